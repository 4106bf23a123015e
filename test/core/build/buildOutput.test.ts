import { FastCheck as fc, Redacted } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import type { OperationStep } from "@dockwire/core"
import { buildFailure } from "../../../packages/core/src/internal/build/buildFailure.js"
import { ClassicDecoder } from "../../../packages/core/src/internal/build/classic/classicDecoder.js"
import { BuildOutput } from "../../../packages/core/src/internal/build/output/buildOutput.js"
import { Redactor } from "../../../packages/core/src/internal/build/output/redactor.js"
import { StepTracker } from "../../../packages/core/src/internal/build/output/stepTracker.js"
import { TraceDecoder } from "../../../packages/core/src/internal/build/output/traceDecoder.js"
import { ProtoWriter } from "../../../packages/core/src/internal/build/protobuf/protoWriter.js"
import { jsonAt } from "../../engine/engineRequest.js"

/** Responses of `POST /build`, as engines sent them. */
const folder = join(import.meta.dirname, "recorded")
const builders = readdirSync(folder).map((file) => file.replace(/\.json$/, ""))

type Case = "exit" | "cat" | "built" | "noImage"

const recorded = (builder: string, name: Case): Buffer => {
  const responses: unknown = JSON.parse(readFileSync(join(folder, `${builder}.json`), "utf8"))
  const text = jsonAt(responses, name)
  if (typeof text !== "string") throw new Error(`${builder} has no recorded response "${name}"`)
  return Buffer.from(text)
}

interface Decoded {
  readonly output: BuildOutput
  readonly steps: ReadonlyArray<OperationStep<never>>
  readonly failure: ReturnType<typeof buildFailure>
}

const decode = (
  isBuildkit: boolean,
  pieces: ReadonlyArray<Uint8Array>,
  secrets: ReadonlyArray<string> = []
): Decoded => {
  const redactor = new Redactor(secrets.map((secret) => Redacted.make(secret)))
  const tracker = new StepTracker(redactor)
  let now = 0
  const output = new BuildOutput(
    tracker,
    isBuildkit ? new TraceDecoder(tracker) : new ClassicDecoder(tracker, () => (now += 1))
  )
  const steps = [...pieces.flatMap((piece) => output.push(piece)), ...output.end()]
  const context = { redactor, images: new Set<string>(), credentials: new Map(), spec: {} }
  return { output, steps, failure: buildFailure(output, context) }
}

const decodeRecorded = (builder: string, name: Case): Decoded =>
  decode(builder.endsWith("buildkit"), [recorded(builder, name)])

const lines = (steps: Decoded["steps"], ...streams: ReadonlyArray<string>) =>
  steps.flatMap((step) => (step._tag === "Line" && streams.includes(step.stream) ? [step] : []))

const progress = (steps: Decoded["steps"]) => steps.flatMap((step) => (step._tag === "Progress" ? [step] : []))

/** Cuts bytes into pieces at any places. */
const cut = (bytes: Buffer, places: ReadonlyArray<number>): ReadonlyArray<Buffer> => {
  const ends = [...places.map((place) => place % bytes.length), bytes.length].toSorted((one, other) => one - other)
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
}

/** A response of BuildKit with pieces of output. */
const buildkitResponse = (
  pieces: ReadonlyArray<{ readonly vertex: string; readonly stream: number; readonly bytes: Buffer }>
) =>
  Buffer.from(
    pieces
      .map(({ bytes, stream, vertex }) => {
        const log = Buffer.from(new ProtoWriter().text(1, vertex).integer(3, stream).text(4, bytes).bytes)
        const aux = Buffer.from(new ProtoWriter().nested(3, log).bytes).toString("base64")
        return `${JSON.stringify({ id: "moby.buildkit.trace", aux })}\r\n`
      })
      .join("")
  )

describe.each(builders)("the recorded response of %s", (builder) => {
  const isBuildkit = builder.endsWith("buildkit")
  const isPodman = builder.startsWith("podman")

  it("to a build that succeeds has the image, the steps and a fraction that ends at 1", () => {
    const { output, steps } = decodeRecorded(builder, "built")
    expect(output.imageId).toMatch(/^sha256:[0-9a-f]{64}$/)
    const last = new Map(progress(steps).map((event) => [event.id, event]))
    const instructions = [...last.values()].filter(({ step }) => step?.number !== undefined)
    expect(instructions.length).toBeGreaterThanOrEqual(6)
    for (const { id, status, step } of instructions) {
      expect([id, ["done", "cached"].includes(status), step?.completed !== undefined]).toEqual([id, true, true])
    }
    const fractions = progress(steps).map(({ fraction }) => fraction ?? -1)
    expect(fractions).toEqual(fractions.toSorted((one, other) => one - other))
    expect(fractions[0]).toBe(0)
    expect(fractions.filter((fraction) => fraction === 1)).toHaveLength(1)
    expect(fractions.at(-1)).toBe(1)
  })

  it("has each line once, whole, with its step and its stream", () => {
    const { steps } = decodeRecorded(builder, "built")
    const printed = lines(steps, "stdout", "stderr")
    // Podman does not tell the streams apart, and one breaks into the lines of the other.
    const wanted = isPodman ? ["stdout pawrong", "stdout rt é"] : ["stderr wrong", "stdout part é"]
    expect(printed.map(({ stream, text }) => `${stream} ${text}`).toSorted()).toEqual(wanted)
    const names = new Map(progress(steps).map(({ id, step }) => [id, step?.name ?? ""]))
    for (const { item } of printed) expect(names.get(item ?? "")).toMatch(/RUN printf 'pa'/)
    const system = lines(steps, "system").map(({ text }) => text)
    expect(system.filter((text) => /^#\d+ .*RUN printf/.test(text))).toHaveLength(1)
    expect(system.some((text) => /^#\d+ DONE \d+\.\ds$/.test(text))).toBe(true)
  })

  it.each([
    ["exit", 3, "last words", "RUN echo last words; exit 3"],
    ["cat", 1, "cat: can't open 'nosuchfile': No such file or directory", "RUN cat nosuchfile"]
  ] as const)(
    "to a build that fails (%s) names the step, the exit code and the last line",
    (name, exitCode, line, step) => {
      const { failure, steps } = decodeRecorded(builder, name)
      expect(failure).toMatchObject({
        _tag: "BuildFailed",
        exitCode,
        stage: "second",
        lastLines: [line],
        clipped: false
      })
      expect(failure).toHaveProperty("step", expect.stringMatching(new RegExp(`${step}$`)))
      const states = progress(steps).map(({ status, step }) => [step?.name ?? "", status])
      expect(states).toContainEqual([failure._tag === "BuildFailed" ? failure.step : "", "failed"])
      const others = states.filter(([text]) => text?.includes("RUN sleep") === true)
      // The first stage is stopped; the other builders run one stage at a time.
      expect(others.at(-1)?.[1]).toBe(isBuildkit ? "canceled" : "done")
      expect(progress(steps).every(({ fraction }) => (fraction ?? 1) < 1)).toBe(true)
    }
  )

  it("to a build whose base image cannot be pulled names image and registry", () => {
    const { failure } = decodeRecorded(builder, "noImage")
    expect(failure).toMatchObject({
      _tag: "RegistryError",
      registry: "127.0.0.1:1",
      image: "127.0.0.1:1/team/app:1.0",
      reason: "Unreachable",
      credentials: "none"
    })
  })

  it("decodes to the same, however it is split", () => {
    for (const name of ["built", "exit", "cat", "noImage"] as const) {
      const bytes = recorded(builder, name)
      const printed = (decoded: Decoded) => lines(decoded.steps, "stdout", "stderr", "system")
      const whole = decode(isBuildkit, [bytes])
      fc.assert(
        fc.property(fc.array(fc.nat(), { maxLength: 30 }), (places) => {
          const split = decode(isBuildkit, cut(bytes, places))
          expect(printed(split)).toEqual(printed(whole))
          expect(split.output.imageId).toBe(whole.output.imageId)
          expect(split.failure).toEqual(whole.failure)
        }),
        { numRuns: 30 }
      )
    }
  })

  it("that ends too early is no success, wherever it ends", () => {
    const bytes = recorded(builder, "built")
    // Up to where the image is named.
    const end = isBuildkit ? bytes.indexOf("moby.image.id") : bytes.lastIndexOf("Successfully built")
    fc.assert(
      fc.property(fc.nat({ max: end }), (length) => {
        const { failure, output } = decode(isBuildkit, [bytes.subarray(0, length)])
        expect(output.imageId).toBeUndefined()
        expect(failure._tag).toBe("BuildFailed")
      }),
      { numRuns: 100 }
    )
  })
})

describe("the output of BuildKit's steps", () => {
  const line = fc.string({ unit: fc.constantFrom("a", "é", "✓", "😀", " ", "x"), maxLength: 12 })

  it("arrives as whole lines, wherever the builder cuts it, also inside a character", () => {
    const vertexes = fc.array(
      fc.tuple(fc.constantFrom("one", "two"), fc.constantFrom(1, 2), fc.array(line, { maxLength: 6 })),
      {
        maxLength: 4
      }
    )
    fc.assert(
      fc.property(
        vertexes,
        fc.array(fc.nat(), { maxLength: 20 }),
        fc.infiniteStream(fc.nat()),
        (texts, places, order) => {
          const wanted = new Map<string, ReadonlyArray<string>>()
          for (const [vertex, stream, some] of texts) {
            const key = `${vertex} ${stream}`
            wanted.set(key, [...(wanted.get(key) ?? []), ...some])
          }
          // The pieces of each output stay in order; those of different outputs are mixed.
          const queues = [...wanted].map(([key, some]) => {
            const [vertex = "", stream] = key.split(" ")
            const bytes = Buffer.from(some.map((text) => `${text}\n`).join(""))
            return cut(bytes.length === 0 ? Buffer.from("") : bytes, bytes.length === 0 ? [] : places).map((piece) => ({
              vertex,
              stream: Number(stream),
              bytes: piece
            }))
          })
          const pieces = []
          for (const pick of order) {
            const left = queues.filter((queue) => queue.length > 0)
            if (left.length === 0) break
            const piece = left[pick % left.length]?.shift()
            if (piece !== undefined) pieces.push(piece)
          }
          const { steps } = decode(true, [buildkitResponse(pieces)])
          for (const [key, some] of wanted) {
            const [vertex, stream] = key.split(" ")
            const found = lines(steps, stream === "2" ? "stderr" : "stdout").filter(({ item }) => item === vertex)
            expect(found.map(({ text }) => text)).toEqual(some)
          }
        }
      )
    )
  })

  it("never shows a secret, wherever the builder cuts it", () => {
    const secret = 'pa55\u00e9word"quoted'
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), fc.array(fc.nat(), { maxLength: 10 }), (words, places) => {
        const bytes = Buffer.from(words.map((word) => `${word}${secret}${word}\n`).join("") + secret)
        const pieces = cut(bytes, places).map((piece) => ({ vertex: "one", stream: 1, bytes: piece }))
        const { steps } = decode(true, [buildkitResponse(pieces)], [secret])
        expect(JSON.stringify(steps)).not.toContain("pa55")
        expect(lines(steps, "stdout").map(({ text }) => text)).toEqual([
          ...words.map((word) => `${word}<redacted>${word}`),
          "<redacted>"
        ])
      })
    )
  })

  it("is cut where a line is too long, but neither inside a character nor inside a secret", () => {
    const secret = "0123456789abcdef"
    const text = `${"\u{1f600}".repeat(131_068)}${secret.repeat(3)}${"x".repeat(700_000)}`
    for (const end of ["", "\n"]) {
      const pieces = cut(Buffer.from(text + end), [10_000, 262_150, 524_281, 524_290]).map((bytes) => ({
        vertex: "one",
        stream: 1,
        bytes
      }))
      const { steps } = decode(true, [buildkitResponse(pieces)], [secret])
      const found = lines(steps, "stdout").map((line) => line.text)
      expect(found.length).toBeGreaterThan(2)
      expect(found.join("")).toBe(text.replaceAll(secret.repeat(3), "<redacted>"))
      for (const part of found)
        expect(part).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/)
    }
  })

  it("of which BuildKit dropped a part is marked", () => {
    const said = (text: string) => ({ vertex: "one", stream: 2, bytes: Buffer.from(text) })
    const failing = Buffer.from(
      new ProtoWriter().nested(
        1,
        Buffer.from(new ProtoWriter().text(1, "one").text(3, "[2/2] RUN yes").text(7, "it broke").bytes)
      ).bytes
    )
    const response = Buffer.concat([
      buildkitResponse([said("y\n"), said("[output clipped, log limit 200KiB/s reached]\n")]),
      Buffer.from(`${JSON.stringify({ id: "moby.buildkit.trace", aux: failing.toString("base64") })}\n`),
      Buffer.from(`${JSON.stringify({ error: "failed to solve: it broke" })}\n`)
    ])
    expect(decode(true, [response]).failure).toMatchObject({
      step: "[2/2] RUN yes",
      clipped: true,
      lastLines: ["y", "[output clipped, log limit 200KiB/s reached]"]
    })
  })
})

describe("a response that no engine should send", () => {
  it("is a value or an error all the same", () => {
    const record = fc.oneof(
      fc.json(),
      fc.string(),
      fc
        .record({ id: fc.constant("moby.buildkit.trace"), aux: fc.oneof(fc.base64String(), fc.string(), fc.nat()) })
        .map((some) => JSON.stringify(some)),
      fc
        .record({
          stream: fc.oneof(
            fc.string(),
            fc.constantFrom("Step 1/2 : FROM a", "STEP 1/2: FROM a\n", " ---> Running in a\n")
          )
        })
        .map((some) => JSON.stringify(some)),
      fc
        .record({ error: fc.anything({ maxDepth: 1 }), errorDetail: fc.anything({ maxDepth: 1 }) })
        .map((some) => JSON.stringify(some) ?? "")
    )
    fc.assert(
      fc.property(fc.array(record, { maxLength: 10 }), fc.boolean(), (records, isBuildkit) => {
        const { failure, output } = decode(isBuildkit, [Buffer.from(records.join("\n"))])
        expect(output.imageId).toBeUndefined()
        expect(["BuildFailed", "RegistryError", "ImageNotFound"]).toContain(failure._tag)
      }),
      {
        numRuns: 500,
        examples: [
          [['{"error":null}'], false],
          [['{"errorDetail":null}'], true],
          [['{"error":null,"errorDetail":{}}'], false]
        ]
      }
    )
  })
})
