import { describe, expect, it } from "vitest"
import { baseImageOf } from "../../../packages/core/src/internal/build/baseImage.js"

const digest = `sha256:${"a".repeat(64)}`
const copying = (words: string) => `failed to compute cache key: failed to copy: ${words}`
const seeking = (host: string, repository: string) =>
  copying(`httpReadSeeker: failed open: unexpected status code https://${host}/v2/${repository}/blobs/${digest}: 503`)
const wrong = `failed to commit: failed commit on ref "layer-${digest}": unexpected commit digest ${digest}`

describe("the image that a build failed for", () => {
  it.each<
    readonly [step: string | undefined, detail: string, images: ReadonlyArray<string>, image: string | undefined]
  >([
    ["[internal] load metadata for r.test/a:1", "not found", [], "r.test/a:1"],
    ["[1/2] FROM r.test/a:1@sha256:" + "a".repeat(64), "not found", [], "r.test/a:1"],
    ["Step 1/2 : FROM $BASE", "pull access denied for r.test/a", ["r.test/a:1"], "r.test/a:1"],
    [undefined, "failed to resolve source metadata for r.test/a:1: not found", [], "r.test/a:1"],
    // A layer is fetched only when a step needs it.
    ["[2/2] COPY / /", wrong, ["r.test/a:1"], "r.test/a:1"],
    ["[2/2] COPY / /", wrong, ["r.test/a:1", "r.test/b:1"], undefined],
    ["[2/2] COPY / /", seeking("r.test", "team/b"), ["r.test/a:1", "r.test/team/b:1"], "r.test/team/b:1"],
    ["[2/2] RUN x", seeking("registry-1.docker.io", "library/b"), ["r.test/b:1", "b:1"], "b:1"],
    ["[2/2] COPY / /", seeking("r.test", "c"), ["r.test/a:1"], undefined],
    ["[2/2] COPY /missing /", 'failed to compute cache key: "/missing": not found', ["r.test/a:1"], undefined],
    ["[2/2] RUN x", "process did not complete successfully", ["r.test/a:1"], undefined]
  ])("at %j, of %j", (step, detail, images, image) => {
    expect(baseImageOf(step, detail, new Set(images))?.image).toBe(image)
  })
})
