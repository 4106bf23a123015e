import { type ContainerStats, Docker, type DockerRequest, EngineError, Stats } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { expect, it } from "vitest"
import { liveMemory } from "../liveMemory.js"
import { sleepless } from "../virtualTime.js"

const sample = {
  id: "full-id",
  name: "/web",
  read: "2026-01-01T00:00:01Z",
  cpu_stats: { cpu_usage: { total_usage: 300 }, system_cpu_usage: 2000, online_cpus: 2 },
  precpu_stats: { cpu_usage: { total_usage: 100 }, system_cpu_usage: 1000, online_cpus: 2 },
  memory_stats: { usage: 100, limit: 1000, stats: { inactive_file: 20 } }
}

/** A fake engine with a container whose stats end at once, as those of Podman do when it stops. */
const engineOf = () => {
  const subscribers = new Set<(action: string) => void>()
  const container = {
    status: "exited",
    inspections: 0,
    samples: 0,
    onInspection: () => {},
    emit: (action: string) => subscribers.forEach((notify) => notify(action))
  }
  const notFound = ({ method, path }: DockerRequest) =>
    new EngineError({ request: `${method} ${path}`, status: 404, detail: "No such container: web" })
  const encode = (value: unknown) => Buffer.from(`${JSON.stringify(value)}\n`)
  const events = Stream.async<Uint8Array>((emit) => {
    const notify = (action: string) =>
      void emit.single(encode({ Type: "container", Action: action, Actor: { ID: "full-id" }, time: 1 }))
    subscribers.add(notify)
    return Effect.sync(() => subscribers.delete(notify))
  })
  const layer = Layer.succeed(Docker, {
    endpoint: "unix:///fake.sock",
    json: (request) =>
      Effect.suspend(() => {
        container.inspections++
        container.onInspection()
        return container.status === "gone"
          ? Effect.fail(notFound(request))
          : Effect.succeed({ status: 200, body: { Id: "full-id", State: { Status: container.status } } })
      }),
    stream: ({ path }) =>
      Effect.sync(() => ({
        status: 200,
        contentType: "application/json",
        body:
          path === "/events"
            ? events
            : Stream.fromIterable(Array.from({ length: container.samples }, () => encode(sample)))
      })),
    hijack: () => Effect.never
  })
  return { container, layer }
}

it("stats report once that a container is stopped, continue with its next run, and end when it is removed", async () => {
  const { container, layer } = engineOf()
  const elements: Array<ContainerStats> = []
  await Effect.runPromise(
    Effect.gen(function* () {
      const reading = yield* Stats.pipe(
        Effect.flatMap((stats) =>
          Stream.runForEach(stats.stream("web"), (element) => Effect.sync(() => void elements.push(element)))
        ),
        Effect.fork
      )
      yield* TestClock.adjust("1 minute")
      // One before the subscription to the engine's events, one after it, and two that do not rely on events.
      expect(container.inspections).toBe(4)
      expect(elements).toEqual([{ _tag: "Stopped", containerId: "web" }])

      Object.assign(container, { status: "running", samples: 2 })
      container.emit("start")
      yield* TestClock.adjust(0)
      const running = { _tag: "Running", containerId: "full-id", name: "web", cpuPercent: 40, memoryUsage: 80 }
      expect(elements.slice(1)).toMatchObject([running, running])
      Object.assign(container, { status: "exited", samples: 0 })
      yield* TestClock.adjust("1 second")
      expect(elements.slice(3)).toEqual([{ _tag: "Stopped", containerId: "web" }])

      // An engine that emits no event.
      Object.assign(container, { status: "running", samples: 1 })
      yield* TestClock.adjust("30 seconds")
      expect(elements.slice(4)).toMatchObject([running])
      Object.assign(container, { status: "exited", samples: 0 })
      yield* TestClock.adjust("1 second")

      container.status = "gone"
      container.emit("destroy")
      yield* TestClock.adjust(0)
      yield* Fiber.join(reading)
      expect(elements).toHaveLength(6)
    }).pipe(Effect.provide(Layer.merge(Layer.provide(Stats.layer, layer), TestContext.TestContext)))
  )
})

it.each(["exited", "running"])("stats use constant memory however long a container is %s", async (status) => {
  const { container, layer } = engineOf()
  container.status = status
  const hasInspected = (times: number) =>
    Effect.async<void>((resume) => {
      container.onInspection = () => {
        if (container.inspections === times) resume(Effect.void)
      }
    })
  const program = Effect.gen(function* () {
    const stats = yield* Stats
    const reading = yield* Effect.fork(Stream.runDrain(stats.stream("web")))
    yield* hasInspected(200)
    const before = liveMemory()
    yield* hasInspected(1_200)
    expect(liveMemory() - before).toBeLessThan(400_000)
    yield* Fiber.interrupt(reading)
  })
  const live = Layer.provide(Stats.layer, layer)
  await Effect.runPromise(program.pipe(Effect.provide(live), Effect.withClock(sleepless)))
})
