import { Containers, Docker, type DockerShape, Events, MemoryEngine, type MemoryEngineOptions } from "@dockwire/core"
import { Hub } from "@dockwire/server"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { describe, expect, it } from "vitest"
import { EngineMonitor } from "../../packages/server/src/engine/EngineMonitor.js"
import { clockSkews, inVirtualTime } from "../core/virtualTime.js"
import { RecordingTransport } from "./recordingTransport.js"

const web = { name: "web", image: "busybox", command: ["sleep", "100000"] }

/** What the viewers of a monitored engine see, and what the server logs. */
interface Monitored {
  readonly monitor: Effect.Effect.Success<typeof EngineMonitor>
  /** The actions of all status changes. */
  readonly actions: () => ReadonlyArray<string>
  /** Of each `engine_status`: the version, or the reason why the engine is unavailable. */
  readonly statuses: () => ReadonlyArray<string | undefined>
  readonly logged: ReadonlyArray<string>
}

interface MonitorOptions extends MemoryEngineOptions {
  /** Runs before the engine is monitored. */
  readonly before?: Effect.Effect<void, never, MemoryEngine>
  /** Replaces the door to the engine. */
  readonly door?: (docker: DockerShape) => DockerShape
  /** Replaces the engine's events. */
  readonly events?: (events: Effect.Effect.Success<typeof Events>) => Effect.Effect.Success<typeof Events>
}

const monitored = (
  { before = Effect.void, door = (docker) => docker, events = (all) => all, ...options }: MonitorOptions,
  use: (monitored: Monitored) => Effect.Effect<void, unknown, Containers | MemoryEngine>
) =>
  inVirtualTime(
    { containers: [web], ...options },
    Effect.gen(function* () {
      yield* before
      const logged: Array<string> = []
      const logger = Logger.make(({ message }) => void logged.push(String(message)))
      const docker = Layer.succeed(Docker, door(yield* Docker))
      const watched = Layer.effect(Events, Effect.map(Events, events)).pipe(Layer.provide(Events.layer))
      const layer = EngineMonitor.layer.pipe(
        Layer.provide(Layer.provideMerge(watched, docker)),
        Layer.provideMerge(Hub.layer),
        Layer.provide(Logger.replace(Logger.defaultLogger, logger))
      )
      yield* Effect.gen(function* () {
        const transport = new RecordingTransport(true)
        const hub = yield* Hub
        hub.attach(transport)
        yield* TestClock.adjust(0)
        yield* use({
          monitor: yield* EngineMonitor,
          actions: () =>
            transport.messages.flatMap((it) => (it.event === "container_status_change" ? [it.data.action] : [])),
          statuses: () =>
            transport.messages.flatMap((it) =>
              it.event === "engine_status" ? [it.data.available ? it.data.version : it.data.reason] : []
            ),
          logged
        })
      }).pipe(Effect.provide(layer))
    })
  )

describe("the engine monitor", () => {
  it("reports an engine as available although it is slow to tell its version", () =>
    monitored(
      { before: Effect.flatMap(MemoryEngine, (engine) => engine.slow({ path: "/version" }, "1 hour")) },
      ({ monitor, statuses }) =>
        Effect.gen(function* () {
          yield* TestClock.adjust("1 second")
          expect(monitor.status()).toMatchObject({ available: true })
          expect(monitor.status()).not.toHaveProperty("version")
          expect(monitor.find("web")).toMatchObject({ status: "running" })
          yield* TestClock.adjust("1 minute")
          expect(statuses()).toEqual([undefined])
          yield* (yield* MemoryEngine).heal
          yield* TestClock.adjust("10 seconds")
          expect(statuses()).toEqual([undefined, "26.1.5"])
        })
    ))

  it("continues after an event that can't be decoded and a stream that dies", () => {
    const bodies = [
      Stream.make(new TextEncoder().encode('{"Type":"container"}\n')),
      Stream.die(new Error("broken door"))
    ]
    return monitored(
      {
        door: (docker) => ({
          endpoint: docker.endpoint,
          json: docker.json,
          hijack: docker.hijack,
          stream: (request) =>
            Effect.map(docker.stream(request), (response) => ({ ...response, body: bodies.shift() ?? response.body }))
        })
      },
      ({ actions, logged, monitor, statuses }) =>
        Effect.gen(function* () {
          yield* TestClock.adjust("5 seconds")
          expect(statuses()).toEqual([
            expect.stringContaining("cannot decode the response"),
            expect.stringContaining("broken door"),
            "26.1.5"
          ])
          expect(logged).toEqual(["Watching the engine died. It connects again."])
          expect(monitor.status().available).toBe(true)
          yield* (yield* Containers).pause("web")
          yield* TestClock.adjust(0)
          expect(actions()).toEqual(["pause"])
        })
    )
  })

  it("starts again when the watch dies or processing an element dies", () => {
    let watches = 0
    // No event is like this.
    const malformed = Stream.suspend(() =>
      Stream.make(JSON.parse('{"_tag":"ContainerEvent","action":"die","name":"x"}'))
    )
    return monitored(
      {
        events: (events) => ({
          ...events,
          watch: (options) =>
            Stream.suspend(() =>
              watches++ === 0 ? Stream.die(new Error("broken watch")) : Stream.concat(malformed, events.watch(options))
            )
        })
      },
      ({ actions, logged, monitor }) =>
        Effect.gen(function* () {
          yield* TestClock.adjust("5 seconds")
          expect(logged).toEqual([
            "Monitoring the engine ended unexpectedly. It starts again.",
            'Processing "ContainerEvent" of the engine\'s events died.'
          ])
          expect(monitor.status().available).toBe(true)
          yield* (yield* Containers).pause("web")
          yield* TestClock.adjust(0)
          expect(actions()).toEqual(["pause"])
        })
    )
  })

  it("pauses longer after each defect that lasts, and logs it once per change", () => {
    let watches = 0
    let defect = "broken watch"
    return monitored(
      {
        events: (events) => ({
          ...events,
          watch: () =>
            Stream.suspend(() => {
              watches++
              return Stream.die(new Error(defect))
            })
        })
      },
      ({ logged }) =>
        Effect.gen(function* () {
          yield* TestClock.adjust("10 minutes")
          // Pauses of 0.25, 0.5, 1, 2, 4, 8, 16, 32 and 60 seconds; one in 250 ms would be 2,400.
          expect(watches).toBeLessThan(20)
          const message = "Monitoring the engine ended unexpectedly. It starts again."
          expect(logged).toEqual([message])
          defect = "another defect"
          yield* TestClock.adjust("10 minutes")
          expect(logged).toEqual([message, message])
        })
    )
  })

  it("pauses longer after each connection that a defect ends, and logs it once per change", () => {
    let streams = 0
    return monitored(
      {
        door: (docker) => ({
          endpoint: docker.endpoint,
          json: docker.json,
          hijack: docker.hijack,
          stream: (request) =>
            Effect.map(docker.stream(request), (response) => ({
              ...response,
              body: ++streams === 1 ? response.body : Stream.die(new Error("broken door"))
            }))
        })
      },
      ({ logged }) =>
        Effect.gen(function* () {
          yield* (yield* MemoryEngine).cut
          yield* TestClock.adjust("1 minute")
          // Every 5 seconds in the end; one in 250 ms would be 240.
          expect(streams).toBeLessThan(30)
          expect(logged).toEqual(["Watching the engine died. It connects again."])
        })
    )
  })

  it.each(clockSkews)("reports each change once, right after it connects, with a clock %i ms ahead", (clockSkew) =>
    monitored({ clockSkew }, ({ actions, statuses }) =>
      Effect.gen(function* () {
        expect(statuses()).toEqual(["26.1.5"])
        const containers = yield* Containers
        yield* containers.pause("web")
        yield* containers.unpause("web")
        yield* containers.restart("web", { timeout: 0 })
        yield* TestClock.adjust(0)
        expect(actions()).toEqual(["pause", "unpause", "stop", "die", "start", "restart"])
      })
    )
  )

  it.each(clockSkews)("does not repeat a change that was listed, with a clock %i ms ahead", (clockSkew) =>
    monitored(
      {
        clockSkew,
        before: Effect.flatMap(MemoryEngine, (engine) => engine.slow({ path: "/containers/json" }, "10 seconds"))
      },
      ({ actions, monitor }) =>
        Effect.gen(function* () {
          const containers = yield* Containers
          yield* TestClock.adjust("5 seconds")
          yield* containers.pause("web")
          yield* TestClock.adjust("5 seconds")
          expect(monitor.find("web")).toMatchObject({ status: "paused" })
          expect(actions()).toEqual([])
          yield* containers.unpause("web")
          yield* TestClock.adjust(0)
          expect(actions()).toEqual(["unpause"])
        })
    )
  )
})
