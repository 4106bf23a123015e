import type { RegistryFailure } from "@dockwire/core"
import { registryAnswers } from "../../engine/registryAnswers.js"
import type { RegistryFault } from "../../engine/registryFront.js"
import type { Edition } from "../engineName.js"
import type { Registries } from "./registries.js"

/** What an engine does with a registry. */
export const ways = ["pull", "push", "base"] as const
export type Way = (typeof ways)[number]

/** The reason of a `RegistryError`, the tag of the other error, or that a build goes on until it is interrupted. */
export type Failure = Exclude<RegistryFailure, "CredentialsUnavailable"> | "ImageNotFound" | "waits"

/** Why there is nothing to test. */
type NoCell = `no: ${string}`

/** What is special on some editions. */
interface Exception {
  readonly on: ReadonlyArray<Edition>
  readonly ways: ReadonlyArray<Way>
  readonly expected: Failure
  readonly why: string
}

/** How a registry fails, and which errors that must become. */
export interface FailingRow {
  /** One of the fronts, the real registry with passwords, or an address where there is none. */
  readonly at: keyof Registries["fronts"] | "htpasswd" | { readonly host: string }
  readonly faults?: ReadonlyArray<RegistryFault>
  /** Whether credentials are sent, and whether they are right. None unless given. */
  readonly credentials?: "right" | "wrong"
  /** The tag that is asked for does not exist. */
  readonly isMissing?: true
  /** The platform that is asked for. The image is for linux/amd64. */
  readonly platform?: string
  /** The image is in an index. */
  readonly isIndex?: true
  /** Bytes of the layer of the image. */
  readonly layer?: number
  /** For all ways, or for each: the failure, or why there is none. */
  readonly expected: Failure | Readonly<Record<Way, Failure | NoCell>>
  readonly exceptions?: ReadonlyArray<Exception>
  /** How long to wait for an engine that says nothing. */
  readonly stallTimeout?: `${number} seconds`
  /** Engines keep what they have pulled. */
  readonly isListed?: true
  /** Is tested by every run of the tests, on the usual engine. */
  readonly isQuick?: true
}

const answer = (name: keyof typeof registryAnswers, more: { readonly atLeast?: number } = {}) => [
  { kind: "answer", ...registryAnswers[name], ...more } as const
]
const docker: ReadonlyArray<Edition> = ["20.10", "26.1", "28.5", "28.5-containerd"]
const noManifest: NoCell = "no: a push reads no manifest that must be there"
const noLayer: NoCell = "no: a push reads no layer"

/** The rows, by what happens. */
export const failingRows: Readonly<Record<string, FailingRow>> = {
  "no such tag in a real registry": {
    at: "real",
    isMissing: true,
    expected: { pull: "ImageNotFound", push: noManifest, base: "ImageNotFound" }
  },
  "no such tag": {
    at: "open",
    isMissing: true,
    expected: { pull: "ImageNotFound", push: noManifest, base: "ImageNotFound" }
  },
  "no such repository, with words": {
    at: "open",
    faults: answer("nameUnknown"),
    expected: "ImageNotFound",
    isQuick: true
  },
  "no credentials for a real registry": { at: "htpasswd", expected: "Unauthorized" },
  "a wrong password for a real registry": { at: "htpasswd", credentials: "wrong", expected: "Unauthorized" },
  "no credentials": { at: "basic", expected: "Unauthorized" },
  "a wrong password": { at: "basic", credentials: "wrong", expected: "Unauthorized", isQuick: true },
  "no credentials, and a token without rights": { at: "bearer", expected: "Denied" },
  "a wrong password at the token endpoint": { at: "bearer", credentials: "wrong", expected: "Unauthorized" },
  "no credentials for a private repository of a hub": {
    at: "hub",
    faults: answer("hubDenied"),
    expected: "Denied"
  },
  "a token endpoint that refuses": { at: "noTokens", credentials: "right", expected: "Denied" },
  "401 without a challenge": { at: "open", faults: answer("unauthorized"), expected: "Unauthorized" },
  "401 of ghcr": { at: "open", faults: answer("ghcrUnauthorized"), expected: "Unauthorized" },
  "401 of Azure": { at: "open", faults: answer("acrUnauthorized"), expected: "Unauthorized" },
  "401 with a challenge, whatever is sent": {
    at: "open",
    credentials: "wrong",
    faults: answer("basicChallenge"),
    expected: "Unauthorized"
  },
  "403 of Docker Hub": { at: "open", faults: answer("hubDenied"), expected: "Denied" },
  "403 of ghcr": { at: "open", faults: answer("ghcrDenied"), expected: "Denied" },
  "403 of GitLab": { at: "open", faults: answer("gitLabDenied"), expected: "Denied", isQuick: true },
  "403 as a page": { at: "open", faults: answer("forbidden"), expected: "Denied" },
  "an expired token of Amazon": {
    at: "open",
    faults: answer("ecrExpired"),
    expected: "Unauthorized",
    exceptions: [
      { on: docker, ways: ["base"], expected: "Denied", why: "BuildKit leaves out the words of a 403" },
      { on: ["28.5-containerd"], ways: ["pull", "push"], expected: "Denied", why: "containerd leaves them out, too" },
      { on: ["podman"], ways: ["push"], expected: "Denied", why: "Podman leaves them out if it looks for a layer" }
    ]
  },
  "429 of Docker Hub": { at: "open", faults: answer("hubRateLimit"), expected: "RateLimited", isQuick: true },
  "429 in Docker Hub's older words": { at: "open", faults: answer("hubOldRateLimit"), expected: "RateLimited" },
  "429 in the layers": { at: "open", faults: answer("hubBlobRateLimit"), expected: "RateLimited" },
  "403 for a layer alone": {
    at: "open",
    layer: 100_000,
    faults: answer("hubDenied", { atLeast: 50_000 }),
    expected: { pull: "Denied", push: noLayer, base: "Denied" }
  },
  "429 for a layer alone": {
    at: "open",
    layer: 100_000,
    faults: answer("hubBlobRateLimit", { atLeast: 50_000 }),
    expected: { pull: "RateLimited", push: noLayer, base: "RateLimited" }
  },
  "503 for a layer alone": {
    at: "open",
    layer: 100_000,
    faults: answer("blobUnavailable", { atLeast: 50_000 }),
    expected: { pull: "Broken", push: noLayer, base: "Broken" }
  },
  "404 as a page": { at: "open", faults: answer("notFoundPage"), expected: "ImageNotFound" },
  "429 as a page": { at: "open", faults: answer("tooManyRequests"), expected: "RateLimited" },
  "500": { at: "open", faults: answer("serverError"), expected: "Broken" },
  "502 as a page": { at: "open", faults: answer("badGateway"), expected: "Broken" },
  "503 as a page": { at: "open", faults: answer("unavailable"), expected: "Broken", isQuick: true },
  "503 in the layers": { at: "open", faults: answer("blobUnavailable"), expected: "Broken" },
  "a layer that is missing": {
    at: "open",
    faults: answer("blobUnknown"),
    isQuick: true,
    expected: { pull: "Broken", push: noLayer, base: "Broken" }
  },
  "a refused connection": { at: { host: "127.0.0.1:1" }, expected: "Unreachable" },
  "a name without an address": { at: { host: "registry.invalid:5000" }, expected: "Unreachable" },
  "a connection that is closed without an answer": {
    at: "open",
    faults: [{ kind: "hangUp", on: "manifest" }],
    expected: "Unreachable"
  },
  "a layer that is cut, and not sent any more": {
    at: "real",
    layer: 2_000_000,
    faults: [{ kind: "cut", after: 100_000, isLast: true }],
    expected: { pull: "Broken", push: noLayer, base: "Broken" }
  },
  "a layer with another content": {
    at: "real",
    layer: 200_000,
    faults: [{ kind: "wrongContent", atLeast: 100_000 }],
    expected: { pull: "Broken", push: noLayer, base: "Broken" }
  },
  "silence about the manifest": {
    at: "real",
    faults: [{ kind: "silent", on: "manifest" }],
    stallTimeout: "2 seconds",
    expected: "Stalled"
  },
  "silence in a layer": {
    at: "real",
    layer: 3_000_000,
    // More than what containerd takes at once, and so reports of.
    faults: [{ kind: "silent", on: "blob", after: 2_000_000 }],
    stallTimeout: "2 seconds",
    expected: { pull: "Stalled", push: noLayer, base: "Stalled" },
    exceptions: [
      {
        on: ["podman"],
        ways: ["base"],
        expected: "waits",
        why: "Podman says nothing of layers while it pulls a base image, so that a slow one looks the same"
      }
    ]
  },
  "silence during an upload": {
    at: "open",
    faults: [{ kind: "silent", on: "upload" }],
    stallTimeout: "2 seconds",
    expected: { pull: "no: a pull uploads nothing", push: "Stalled", base: "no: a base is not uploaded" }
  },
  "an image for another platform": {
    at: "open",
    platform: "linux/arm64",
    isListed: true,
    expected: {
      pull: "PlatformMismatch",
      push: "no: a push has no platform",
      base: "no: builders take such an image, and say so at most"
    }
  },
  "an index without the platform": {
    at: "open",
    platform: "linux/arm64",
    isIndex: true,
    isQuick: true,
    expected: { pull: "PlatformMismatch", push: "no: a push has no platform", base: "PlatformMismatch" }
  }
}

const isFailure = (expected: Failure | NoCell): expected is Failure => !expected.startsWith("no: ")

/** A row in one of the ways. */
export interface FailingCell {
  readonly name: string
  readonly row: FailingRow
  readonly way: Way
  readonly expectedOn: (edition: Edition) => Failure
}

/** All cells. */
export const failingCells: ReadonlyArray<FailingCell> = Object.entries(failingRows).flatMap(([name, row]) =>
  ways.flatMap((way) => {
    const expected = typeof row.expected === "string" ? row.expected : row.expected[way]
    if (!isFailure(expected)) return []
    const expectedOn = (edition: Edition): Failure =>
      row.exceptions?.find(({ on, ways }) => on.includes(edition) && ways.includes(way))?.expected ?? expected
    return [{ name, row, way, expectedOn }]
  })
)
