import { Docker, MemoryEngine } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { describe, expect, it } from "vitest"
import { respondedSteps } from "../../../packages/core/src/internal/build/buildImage.js"
import type { BuildSpec } from "../../../packages/core/src/internal/build/buildSpec.js"
import { ClassicDecoder } from "../../../packages/core/src/internal/build/classic/classicDecoder.js"
import { BuildOutput } from "../../../packages/core/src/internal/build/output/buildOutput.js"
import { Redactor } from "../../../packages/core/src/internal/build/output/redactor.js"
import { StepTracker } from "../../../packages/core/src/internal/build/output/stepTracker.js"
import { TraceDecoder } from "../../../packages/core/src/internal/build/output/traceDecoder.js"
import { ProtoWriter } from "../../../packages/core/src/internal/build/protobuf/protoWriter.js"

/** A record of a builder, and in which second it comes. */
type Said = readonly [second: number, record: string]

const time = (second: number) => new ProtoWriter().integer(1, 1_800_000_000 + second).bytes

const trace = (field: number, message: Uint8Array): string =>
  JSON.stringify({
    id: "moby.buildkit.trace",
    aux: Buffer.from(new ProtoWriter().nested(field, message).bytes).toString("base64")
  })

/** A step of BuildKit that runs, or has run. Its name is its digest, too. */
const vertex = (name: string, started: number, completed?: number): string => {
  const message = new ProtoWriter().text(1, name).text(3, name).nested(5, time(started))
  return trace(1, (completed === undefined ? message : message.nested(6, time(completed))).bytes)
}

const part = (vertex: string, id: string, name: string, current: number, total: number, isDone = false): string => {
  const message = new ProtoWriter().text(1, id).text(2, vertex).text(3, name).integer(4, current).integer(5, total)
  return trace(2, (isDone ? message.nested(8, time(0)) : message).bytes)
}

const text = (stream: string) => JSON.stringify({ stream })
const layer = (id: string, status: string, current?: number) =>
  JSON.stringify({ id, status, progressDetail: current === undefined ? {} : { current, total: 1_000 } })

/** Says the same every five seconds. */
const repeated = (from: number, to: number, record: string): ReadonlyArray<Said> =>
  Array.from({ length: (to - from) / 5 }, (_, index) => [from + index * 5, record])

const registry = "registry.test:5000"
const image = `${registry}/team/base:1`
const metadata = `[internal] load metadata for ${image}`
const base = `[stage-1 1/2] FROM ${image}@sha256:${"a".repeat(64)}`
const lookup = `resolve ${image}@sha256:${"a".repeat(64)}`
const blob = `sha256:${"b".repeat(64)}`
const other = `sha256:${"c".repeat(64)}`
const command = "[a 2/2] RUN make"
const from = text(`Step 1/2 : FROM ${image}`)
const podmanFrom = text(`STEP 1/2: FROM ${image}\n`)

interface Case {
  readonly said: ReadonlyArray<Said>
  /** The second in which the build fails as stalled. Otherwise it goes on. */
  readonly stalled?: number
  readonly image?: string
  readonly registry?: string
  readonly spec?: BuildSpec
}

const hour = 3_600

const buildkit: Readonly<Record<string, Case>> = {
  "a registry that says nothing of a manifest": { said: [[0, vertex(metadata, 0)]], stalled: 60 },
  "a limit of its own": { said: [[0, vertex(metadata, 0)]], stalled: 5, spec: { stallTimeout: "5 seconds" } },
  "a syntax that is not sent": {
    said: [[0, vertex("resolve image config for docker-image://docker.io/docker/dockerfile:1", 0)]],
    stalled: 60,
    image: "docker/dockerfile:1",
    registry: "docker.io"
  },
  "a step that is reported again and again": { said: repeated(0, 150, vertex(metadata, 0)), stalled: 60 },
  "a layer that stops, and is reported again and again": {
    said: [
      [0, vertex(base, 0)],
      [0, part(base, blob, "downloading", 500, 1_000)],
      ...repeated(20, 150, part(base, blob, "downloading", 600, 1_000))
    ],
    stalled: 80
  },
  "a layer that stops while another one is there": {
    said: [
      [0, vertex(base, 0)],
      [1, part(base, other, "done", 300, 300, true)],
      [1, part(base, blob, "", 600, 1_000)]
    ],
    stalled: 61
  },
  "an image that has been looked up, and whose layers do not come": {
    said: [
      [0, vertex(base, 0)],
      [0, part(base, lookup, "", 0, 0)],
      [1, part(base, lookup, "", 0, 0, true)],
      [1, vertex(base, 0, 1)],
      [2, vertex(base, 2)]
    ],
    stalled: 62
  },
  "a command that ends beside a silent registry": {
    said: [
      [0, vertex(base, 0)],
      [0, vertex(command, 0)],
      ...repeated(1, 196, part(base, blob, "downloading", 600, 1_000)),
      [200, vertex(command, 0, 200)],
      ...repeated(201, 301, part(base, blob, "downloading", 600, 1_000))
    ],
    stalled: 260
  },
  "a layer that is slow": {
    said: Array.from({ length: 20 }, (_, index): Said => [
      index * 50,
      index === 0 ? vertex(base, 0) : part(base, blob, "downloading", index, 1_000)
    ]).concat([[1_000, vertex(base, 0, 1_000)]])
  },
  "a command that says nothing": {
    said: [
      [0, vertex(base, 0, 0)],
      [0, vertex(command, 0)]
    ]
  },
  "a command beside a silent registry": {
    said: [
      [0, vertex(command, 0)],
      [0, vertex(base, 0)],
      ...repeated(1, 196, part(base, blob, "downloading", 600, 1_000))
    ]
  },
  "the transfer of the context": { said: [[0, vertex("[internal] load build context", 0)]] },
  "the transfer of the context beside a base image": {
    said: [
      [0, vertex(base, 0)],
      [0, vertex("[internal] load build context", 0)]
    ]
  },
  "layers that are unpacked": {
    said: [
      [0, vertex(base, 0)],
      [0, part(base, blob, "done", 1_000, 1_000, true)],
      [0, part(base, `extracting ${blob}`, "extract", 0, 0)]
    ]
  },
  "layers that are all there": {
    said: [
      [0, vertex(base, 0)],
      [0, part(base, blob, "done", 1_000, 1_000, true)]
    ]
  },
  "the export of the image": { said: [[0, vertex("exporting to image", 0)]] },
  nothing: { said: [] }
}

const classic: Readonly<Record<string, Case>> = {
  "a registry that says nothing of a manifest": { said: [[3, from]], stalled: 63 },
  "a layer that stops, and is reported again and again": {
    said: [
      [0, from],
      [0, JSON.stringify({ status: "Pulling from team/base", id: "1" })],
      [1, layer("111111111111", "Pulling fs layer")],
      [1, layer("222222222222", "Already exists")],
      ...repeated(2, 152, layer("111111111111", "Downloading", 500))
    ],
    stalled: 62
  },
  "a layer that stays where it is, without a number": {
    said: [[0, from], ...repeated(2, 152, layer("111111111111", "Waiting"))],
    stalled: 62
  },
  "a copy from an image whose layer stops": {
    said: [
      [0, text("Step 1/2 : FROM scratch")],
      [0, text(`Step 2/2 : COPY --from=${image} / /`)],
      [1, layer("111111111111", "Downloading", 500)]
    ],
    stalled: 61
  },
  "a layer that is unpacked": {
    said: [
      [0, from],
      [0, layer("111111111111", "Extracting", 500)],
      [0, layer("222222222222", "Download complete")]
    ]
  },
  "a copy from another stage": {
    said: [
      [0, text("Step 1/3 : FROM scratch AS one")],
      [0, text("Step 2/3 : FROM scratch")],
      [0, text("Step 3/3 : COPY --from=one / /")]
    ]
  },
  "a command that says nothing": {
    said: [
      [0, from],
      [0, text("Step 2/2 : RUN make")],
      [0, text(" ---> Running in 333333333333\n")]
    ]
  },
  "Podman, with a registry that says nothing of a manifest": {
    said: [
      [0, podmanFrom],
      [1, text(`Trying to pull ${image}...\n`)]
    ],
    stalled: 61
  },
  "Podman, with layers of which it says nothing": {
    said: [
      [0, podmanFrom],
      [1, text(`Trying to pull ${image}...\n`)],
      [2, text("Getting image source signatures\n")],
      [2, text(`Copying blob ${blob}\n`)]
    ]
  }
}

/** Runs a build on an engine that says this, and nothing more for hours. It must not end too early. Returns how it ended. */
const run = (decoder: "buildkit" | "classic", { said, spec = {}, stalled }: Case) =>
  Effect.gen(function* () {
    const docker = yield* Docker
    const body = Stream.concat(
      Stream.fromIterable(said).pipe(
        Stream.mapAccum(0, (before, [second, record]) => [second, [second - before, record] as const]),
        Stream.mapEffect(([wait, record]) => Effect.delay(Effect.succeed(Buffer.from(`${record}\n`)), wait * 1_000))
      ),
      Stream.never
    )
    const redactor = new Redactor([])
    const tracker = new StepTracker(redactor)
    const steps = respondedSteps(
      { ...docker, stream: () => Effect.succeed({ status: 200, contentType: "application/json", body }) },
      {
        request: { method: "POST", path: "/build" },
        decoder: () => new TraceDecoder(tracker),
        lost: Effect.never,
        failure: Effect.succeed(undefined)
      },
      new BuildOutput(
        tracker,
        decoder === "buildkit" ? new TraceDecoder(tracker) : new ClassicDecoder(tracker, () => 0)
      ),
      { redactor, images: new Set(), credentials: new Map(), spec }
    )
    const fiber = yield* Effect.fork(Stream.runDrain(steps))
    yield* TestClock.adjust(((stalled ?? 10 * hour) - 0.5) * 1_000)
    expect((yield* Fiber.poll(fiber))._tag).toBe("None")
    yield* TestClock.adjust("0.5 seconds")
    yield* Fiber.interruptFork(fiber)
    return yield* Fiber.await(fiber)
  }).pipe(
    Effect.provide(MemoryEngine.layer()),
    Effect.scoped,
    Effect.provide(TestContext.TestContext),
    Effect.runPromise
  )

describe.each([
  ["BuildKit", "buildkit", buildkit],
  ["the classic builder", "classic", classic]
] as const)("a build with %s that waits for", (_name, decoder, cases) => {
  it.each(Object.entries(cases))("%s", async (_case, one) => {
    const exit = await run(decoder, one)
    if (one.stalled === undefined) expect(Exit.isInterrupted(exit)).toBe(true)
    else {
      expect(exit).toMatchObject(
        Exit.fail({
          _tag: "RegistryError",
          reason: "Stalled",
          image: one.image ?? image,
          registry: one.registry ?? registry,
          credentials: "none"
        })
      )
    }
  })
})
