import * as FastCheck from "effect/FastCheck"
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { itDockerCli } from "../../engine/itDockerCli.js"
import { startRecordingEngine } from "../registry/recordingEngine.js"
import { JsonLines } from "../../../packages/core/src/internal/api/streams/jsonLines.js"
import {
  type DecodedChunk,
  TransferDecoder
} from "../../../packages/core/src/internal/images/transfer/transferDecoder.js"
import { TransferFraction } from "../../../packages/core/src/internal/images/transfer/transferFraction.js"
import { transferMessage } from "../../../packages/core/src/internal/images/transfer/transferMessage.js"

const folder = new URL("./recorded/", import.meta.url)
const recordings = (await readdir(folder)).toSorted()

/** Decodes a response that arrives in these pieces. */
const decoded = (pieces: ReadonlyArray<Uint8Array>, kind: "pull" | "push" = "pull") => {
  const decoder = new TransferDecoder(kind)
  const chunks: Array<DecodedChunk> = pieces.map((piece) => decoder.push(piece))
  chunks.push(decoder.end())
  const steps = chunks.flatMap((chunk) => chunk.steps)
  return {
    steps,
    errors: chunks.flatMap(({ error }) => (error === undefined ? [] : [error])),
    outcome: decoder.outcome,
    lines: steps.flatMap((step) => (step._tag === "Line" ? [step.text] : [])),
    fractions: steps.flatMap((step) => (step._tag === "Progress" && step.fraction !== undefined ? [step.fraction] : []))
  }
}

const decodedMessages = (messages: ReadonlyArray<unknown>, kind?: "pull" | "push") =>
  decoded([Buffer.from(messages.map((message) => `${JSON.stringify(message)}\r\n`).join(""))], kind)

const isMonotone = (fractions: ReadonlyArray<number>) =>
  fractions.every((fraction, index) => fraction >= (fractions[index - 1] ?? 0) && fraction >= 0 && fraction <= 0.99)

/** The bytes of all layers by their totals. */
const naiveFractions = (steps: DecodedChunk["steps"]): ReadonlyArray<number> => {
  const layers = new Map<string, { readonly current: number; readonly total: number }>()
  return steps.flatMap((step) => {
    if (step._tag !== "Progress" || step.status !== "Downloading") return []
    layers.set(step.id, { current: step.current ?? 0, total: step.total ?? 0 })
    const sum = (key: "current" | "total") => [...layers.values()].reduce((all, layer) => all + layer[key], 0)
    return [(0.9 * sum("current")) / sum("total")]
  })
}

/** Cuts bytes at these positions. */
const cut = (bytes: Uint8Array, positions: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const ends = [...positions.map((position) => position % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b)
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
}

const statuses = ["Pulling fs layer", "Waiting", "Already exists", "Downloading", "Retrying in 3 seconds", "Preparing"]
  .concat(["Verifying Checksum", "Download complete", "Extracting", "Pull complete", "Pushing", "Pushed", "Else"])
  .concat(["Mounted from a/b", "Layer already exists"])

const message = FastCheck.record({
  id: FastCheck.constantFrom("a1", "b2", "c3", "d4"),
  status: FastCheck.constantFrom(...statuses),
  progressDetail: FastCheck.record(
    {
      current: FastCheck.oneof(FastCheck.nat(), FastCheck.double(), FastCheck.constant(null)),
      total: FastCheck.oneof(FastCheck.nat(), FastCheck.double(), FastCheck.constant("9")),
      units: FastCheck.constant("s")
    },
    { requiredKeys: [] }
  )
})

describe("the progress of a transfer", () => {
  it("never goes back, nor reaches 1, whatever the engine reports", () => {
    FastCheck.assert(
      FastCheck.property(
        FastCheck.array(message),
        FastCheck.constantFrom("pull" as const, "push" as const),
        (messages, kind) => {
          expect(isMonotone(decodedMessages(messages, kind).fractions)).toBe(true)
        }
      )
    )
  })

  it.each(recordings)("of the recorded pull %s never goes back, and moves", async (file) => {
    const { errors, fractions, outcome, steps } = decoded([await readFile(new URL(file, folder))])
    expect(errors).toEqual([])
    expect(isMonotone(fractions)).toBe(true)
    expect(fractions[0]).toBe(0)
    const isPodman = file.startsWith("podman")
    // Podman reports no extraction.
    expect(fractions.at(-1)).toBeGreaterThanOrEqual(isPodman ? 0.8 : 0.99)
    expect(outcome.digest === undefined).toBe(isPodman)
    expect(new Set(fractions).size).toBeGreaterThan(isPodman ? 2 : 4)
    // What the recordings of classic engines are good for: bytes over totals would go back.
    if (file.startsWith("docker-26.1")) expect(isMonotone(naiveFractions(steps))).toBe(false)
  })

  /** The fraction after each of these events of the layers. */
  const fractionsOf = (
    events: ReadonlyArray<readonly [id: string, status: string, current?: number, total?: number]>
  ) => {
    const fraction = new TransferFraction("pull")
    return events.map(([id, status, current, total]) =>
      Number(
        fraction.update(id, status, transferMessage({ id, status, progressDetail: { current, total } })).toFixed(4)
      )
    )
  }

  it("is 0 until a layer is more than announced", () => {
    expect(
      fractionsOf([
        ["a", "Already exists"],
        ["b", "Pulling fs layer"],
        ["b", "Waiting"],
        ["b", "Downloading", 0, 100]
      ])
    ).toEqual([0, 0, 0, 0.5])
  })

  it("weighs layers by their largest total, and those without one by the mean", () => {
    expect(
      fractionsOf([
        ["a", "Pulling fs layer"],
        ["b", "Pulling fs layer"],
        ["c", "Pulling fs layer"],
        ["a", "Downloading", 100, 100],
        ["b", "Downloading", 0, 300],
        ["c", "Download complete"]
      ])
    ).toEqual([
      0, 0, 0,
      // A third of the weight, and four fifths of that layer.
      0.2667, 0.2667,
      // 100, 300 and their mean.
      0.4
    ])
  })

  it("counts what was downloaded before a break", () => {
    expect(
      fractionsOf([
        ["a", "Downloading", 600, 1000],
        ["a", "Retrying in 5 seconds"],
        ["a", "Downloading", 0, 400],
        ["a", "Downloading", 200, 400],
        ["a", "Download complete"],
        ["a", "Extracting", 500, 1000],
        ["a", "Pull complete"]
      ])
    ).toEqual([0.48, 0.48, 0.48, 0.64, 0.8, 0.9, 0.99])
  })

  it("does not count seconds as bytes", () => {
    const fraction = new TransferFraction("pull")
    const steps = [
      { id: "a", status: "Downloading", progressDetail: { current: 10, total: 10 } },
      { id: "a", status: "Extracting", progressDetail: { current: 1, units: "s" } },
      { id: "a", status: "Extracting", progressDetail: { current: 9, total: 10, units: "s" } },
      { id: "a", status: "Pull complete", progressDetail: { hidecounts: true } }
    ].map((value) => fraction.update(value.id, value.status, transferMessage(value)))
    expect(steps).toEqual([0.8, 0.8, 0.8, 0.99])
  })
})

describe("the response to a transfer", () => {
  it("decodes the same however it is split", async () => {
    const recorded = await readFile(new URL(recordings[0] ?? "", folder))
    const odd = Buffer.from('{"status":"Grüße 🐳","id":"ü"}\r\nplain text\n\n{"status":"last"}')
    for (const bytes of [recorded, Buffer.concat([odd, recorded])]) {
      const whole = decoded([bytes])
      FastCheck.assert(
        FastCheck.property(FastCheck.array(FastCheck.nat(), { maxLength: 40 }), (positions) => {
          expect(decoded(cut(bytes, positions))).toEqual(whole)
        })
      )
    }
    expect(decoded([odd]).lines).toEqual(["ü: Grüße 🐳", "plain text", "last"])
  })

  it("survives any value", () => {
    FastCheck.assert(
      FastCheck.property(FastCheck.array(FastCheck.jsonValue()), (values) => {
        expect(isMonotone(decodedMessages(values).fractions)).toBe(true)
      })
    )
    FastCheck.assert(
      FastCheck.property(FastCheck.array(FastCheck.uint8Array()), (pieces) => {
        decoded(pieces)
      })
    )
  })

  it.each([
    [{ error: "words" }, "words"],
    [{ errorDetail: { message: "more words" }, error: "words" }, "more words"],
    [{ errorDetail: { code: 1, message: "only here" } }, "only here"],
    [{ progressDetail: {}, errorDetail: { message: "Podman" }, error: "Podman" }, "Podman"],
    [{ error: { odd: true } }, '{"odd":true}'],
    [{ errorDetail: 7 }, "7"]
  ])("has an error in %j", (value, error) => {
    const { errors, lines } = decodedMessages([{ status: "before" }, value, { status: "after" }])
    expect(errors).toEqual([error])
    expect(lines).toEqual(["before"])
  })

  it("names the digest as text or apart", () => {
    const digest = `sha256:${"a".repeat(64)}`
    const values = [
      { status: `Digest: ${digest}` },
      { status: `1.0: digest: ${digest} size: 527` },
      { progressDetail: {}, aux: { Tag: "1.0", Digest: digest, Size: 527 } }
    ]
    for (const value of values) expect(decodedMessages([value], "push").outcome.digest).toBe(digest)
    expect(decodedMessages([{ id: "layer", status: `Digest: ${digest}` }]).outcome.digest).toBeUndefined()
  })

  it("prints no progress, and nothing twice", () => {
    expect(
      decodedMessages([
        { status: "Pulling from a", id: "1" },
        { status: "Downloading", progressDetail: { current: 1, total: 2 }, progress: "[=> ]", id: "x" },
        { status: "Extracting", progressDetail: { current: 1, units: "s" }, id: "x" },
        { status: "Pull complete", progressDetail: { hidecounts: true }, id: "x" },
        { stream: "two\nlines\n" },
        { progressDetail: {}, aux: { Digest: "sha256:aa" } },
        {}
      ]).lines
    ).toEqual(["1: Pulling from a", "x: Pull complete", "two", "lines"])
  })

  it("knows what is only repeated, as engines do while a registry is silent", () => {
    const decoder = new TransferDecoder("push")
    const hasNews = (value: unknown) => decoder.push(Buffer.from(`${JSON.stringify(value)}\r\n`)).hasNews
    const pushing = (id: string, current: number, more = {}) => ({
      id,
      status: "Pushing",
      progressDetail: { current, total: 9, ...more }
    })
    const values = [
      { id: "a", status: "Waiting", progressDetail: {} },
      { id: "a", status: "Waiting", progressDetail: {} },
      pushing("a", 1),
      pushing("b", 1),
      pushing("a", 1),
      pushing("b", 2),
      { id: "a", status: "Extracting", progressDetail: { current: 1, units: "s" } },
      { id: "a", status: "Extracting", progressDetail: { current: 2, units: "s" } },
      { status: "The push refers to a" },
      { status: "The push refers to a" },
      { id: "a", status: "Waiting", progressDetail: {} }
    ]
    expect(values.map(hasNews)).toEqual([true, false, true, true, false, true, true, true, true, true, true])
    expect(decoder.push(Buffer.from('{"id":"a"')).hasNews).toBe(false)
  })

  it("takes no size that cannot be one", () => {
    const announced = { id: "a", status: "Pulling fs layer", progressDetail: { total: 1e308 } }
    const done = { id: "b", status: "Download complete" }
    expect(isMonotone(decodedMessages([announced, done, announced, { ...announced, id: "c" }]).fractions)).toBe(true)
  })

  it("keeps a line that is too long as text", () => {
    const lines = new JsonLines(10)
    expect(lines.push(Buffer.from('{"a":1}\n"0123456789"\n[1]\n'))).toEqual([{ a: 1 }, '"012345678', [1]])
    expect(lines.end()).toEqual([])
  })
})

describe("the lines of a pull", () => {
  itDockerCli("are exactly those that the docker command prints for the same response", async (docker) => {
    const path = await mkdtemp(join(tmpdir(), "dockwire-replay-"))
    let response: Uint8Array = new Uint8Array(0)
    const engine = await startRecordingEngine(path, () => response)
    try {
      for (const name of recordings) {
        response = await readFile(new URL(name, folder))
        const image = "registry.test/app:1"
        const { stdout } = await docker(["pull", image], { DOCKER_CONFIG: path, DOCKER_HOST: engine.endpoint })
        expect([...decoded([response]).lines, image], name).toEqual(stdout.trimEnd().split("\n"))
      }
    } finally {
      await engine.stop()
      await rm(path, { recursive: true, force: true })
    }
  })
})
