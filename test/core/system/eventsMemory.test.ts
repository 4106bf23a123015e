import {
  Containers,
  Docker,
  type DockerShape,
  EngineUnavailable,
  Events,
  MemoryEngine,
  type WatchElement
} from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { describe, expect, it } from "vitest"
import { eventually } from "../eventually.js"
import { liveMemory } from "../liveMemory.js"
import { clockSkews, inVirtualTime, sleepless } from "../virtualTime.js"

const web = { name: "web", image: "busybox", command: ["sleep", "100000"] }

/** Starts a watch of containers with a snapshot; collects what it emits. */
const watching = Effect.gen(function* () {
  const seen: Array<WatchElement> = []
  const events = yield* Events
  const fiber = yield* events.watch({ types: ["container"], snapshot: true }).pipe(
    Stream.runForEach((element) => Effect.sync(() => void seen.push(element))),
    Effect.fork
  )
  yield* TestClock.adjust(0)
  return { fiber, seen }
})

const summary = (element: WatchElement) =>
  element._tag === "ContainerEvent"
    ? element.action
    : element._tag === "Resynced"
      ? element.changes.map(({ change, name }) => `${change} ${name}`).join()
      : element._tag

/** An engine whose event streams are what `body` returns for the first, second, ... one. */
const withEvents =
  (body: (attempt: number) => Stream.Stream<Uint8Array> | undefined) =>
  <A, E, R>(program: Effect.Effect<A, E, R | Docker>): Effect.Effect<A, E, R | Docker> =>
    Effect.flatMap(Docker, (docker) => {
      let attempts = 0
      const replaced: DockerShape = {
        ...docker,
        endpoint: docker.endpoint,
        json: docker.json,
        hijack: docker.hijack,
        stream: (request) =>
          Effect.map(docker.stream(request), (response) => {
            const other = request.path === "/events" ? body(attempts++) : undefined
            return other === undefined ? response : { ...response, body: other }
          })
      }
      return Effect.provideService(program, Docker, replaced)
    })

const line = (event: object | string) =>
  new TextEncoder().encode(`${typeof event === "string" ? event : JSON.stringify(event)}\n`)
const oom = { Type: "container", Action: "oom", Actor: { ID: "abc", Attributes: { name: "web" } } }

describe("an event", () => {
  const read = (event: object | string) =>
    inVirtualTime(
      {},
      Effect.flatMap(Events, (events) => Stream.runHead(events.stream())).pipe(
        Effect.provide(Events.layer),
        withEvents(() => Stream.make(line(event))),
        Effect.exit
      )
    )

  it.each([
    ["with a fraction of a second", { time: 1_700_000_000.25 }, 1_700_000_000_250_000_000n],
    ["with seconds only", { time: 1_700_000_000 }, 1_700_000_000_000_000_000n],
    ["with nanoseconds only", { timeNano: 1_700_000_000_000 }, 1_700_000_000_000n],
    ["from before 1970", { time: -1.5 }, -1_500_000_000n],
    ["of a year without a timestamp", { time: 1e300 }, 253_402_300_799_999_999_999n]
  ])("%s has a time", async (_, time, timeNano) => {
    expect(await read({ ...oom, ...time })).toMatchObject({ _tag: "Success", value: { value: { timeNano } } })
  })

  it.each([
    ["without a time", oom],
    ["whose time is a text", { ...oom, time: "now" }],
    ["without an object", { ...oom, Actor: null, time: 1 }],
    ["nested too deeply", `{"Type":"container","Action":"oom","time":1,"Actor":${"[".repeat(1e5)}${"]".repeat(1e5)}}`]
  ])("%s is an EngineError", async (_, event) => {
    expect(await read(event)).toMatchObject({
      _tag: "Failure",
      cause: { _tag: "Fail", error: { _tag: "EngineError" } }
    })
  })
})

describe("a watch", () => {
  it("survives an event that can't be decoded, and a stream that dies", () =>
    inVirtualTime(
      { containers: [web] },
      Effect.gen(function* () {
        const { seen } = yield* watching
        yield* TestClock.adjust("2 seconds")
        yield* (yield* Containers).pause("web")
        yield* TestClock.adjust(0)
        expect(seen.map(summary)).toEqual(["added web", "oom", "Disconnected", "", "Disconnected", "", "pause"])
        expect(seen[2]).toMatchObject({ error: { _tag: "EngineError" } })
        expect(seen[4]).toMatchObject({
          error: { _tag: "EngineUnavailable", reason: "Lost", detail: "watching the engine died: Error: broken door" }
        })
      }).pipe(
        Effect.provide(Events.layer),
        withEvents((attempt) =>
          attempt === 0
            ? Stream.make(line({ ...oom, time: 1.5 }), line({ ...oom, time: "now" }))
            : attempt === 1
              ? Stream.die(new Error("broken door"))
              : undefined
        )
      )
    ))

  it("stays connected while events arrive, however slowly the engine answers", () =>
    inVirtualTime(
      { containers: [web] },
      Effect.gen(function* () {
        const { seen } = yield* watching
        const engine = yield* MemoryEngine
        const containers = yield* Containers
        yield* engine.slow({ path: "/_ping" }, "1 hour")
        for (let minute = 0; minute < 6; minute++) {
          yield* TestClock.adjust("10 seconds")
          yield* minute % 2 === 0 ? containers.pause("web") : containers.unpause("web")
        }
        yield* TestClock.adjust(0)
        expect(seen.map(summary)).toEqual(["added web", "pause", "unpause", "pause", "unpause", "pause", "unpause"])
        // A slow answer is an answer.
        yield* engine.heal
        yield* engine.slow({ path: "/_ping" }, "14 seconds")
        yield* TestClock.adjust("2 minutes")
        expect(seen).toHaveLength(7)
        // An engine that neither answers nor sends anything is gone.
        yield* engine.slow({ path: "/_ping" }, "1 hour")
        yield* TestClock.adjust("40 seconds")
        expect(seen[7]).toMatchObject({ _tag: "Disconnected", error: { reason: "TimedOut" } })
      })
    ))

  it.each(clockSkews)("reports a change between the subscription and the list, with a clock %i ms ahead", (clockSkew) =>
    inVirtualTime(
      { clockSkew, containers: [web] },
      Effect.gen(function* () {
        const engine = yield* MemoryEngine
        const containers = yield* Containers
        yield* engine.slow({ path: "/containers/json" }, "10 seconds")
        const { seen } = yield* watching
        yield* TestClock.adjust("3 seconds")
        yield* containers.pause("web")
        yield* TestClock.adjust("7 seconds")
        expect(seen.map(summary)).toEqual(["added web", "pause"])
        expect(seen[0]).toMatchObject({ changes: [{ state: "paused" }] })
        yield* engine.heal
        yield* containers.unpause("web")
        yield* engine.goOffline()
        yield* TestClock.adjust("3 seconds")
        yield* engine.heal
        yield* TestClock.adjust("5 seconds")
        expect(seen.slice(2).map(summary)).toEqual(["unpause", "Disconnected", "Disconnected", ""])
      })
    )
  )

  it("uses constant memory however often it fails to connect", async () => {
    let attempts = 0
    const hasTried = (times: number) => Effect.promise(() => eventually(() => attempts).toBeGreaterThanOrEqual(times))
    const gone = new EngineUnavailable({ endpoint: "unix:///gone", reason: "Refused", detail: "nothing listens" })
    const docker: DockerShape = {
      endpoint: "unix:///gone",
      json: () => Effect.fail(gone),
      stream: () => Effect.suspend(() => (attempts++, Effect.fail(gone))),
      hijack: () => Effect.fail(gone)
    }
    const program = Effect.gen(function* () {
      const events = yield* Events
      const watch = yield* Effect.fork(Stream.runDrain(events.watch({ snapshot: true })))
      yield* hasTried(1_000)
      const before = liveMemory()
      yield* hasTried(4_000)
      expect(liveMemory() - before).toBeLessThan(400_000)
      yield* Fiber.interrupt(watch)
    })
    await Effect.runPromise(
      program.pipe(
        Effect.provide(Layer.provide(Events.layer, Layer.succeed(Docker, docker))),
        Effect.withClock(sleepless)
      )
    )
  })
})
