import { type ContainerStats, Docker, type DockerRequest, EngineError, Stats } from "@dockwire/core"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { expect, it } from "vitest"
import { eventually } from "../eventually.js"
import { liveMemory } from "../liveMemory.js"

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
  const container = { status: "exited", inspections: 0, samples: 0 }
  const notFound = ({ method, path }: DockerRequest) =>
    new EngineError({ request: `${method} ${path}`, status: 404, detail: "No such container: web" })
  const layer = Layer.succeed(Docker, {
    endpoint: "unix:///fake.sock",
    json: (request) =>
      Effect.suspend(() => {
        container.inspections++
        return container.status === "gone"
          ? Effect.fail(notFound(request))
          : Effect.succeed({ status: 200, body: { State: { Status: container.status } } })
      }),
    stream: () =>
      Effect.sync(() => ({
        status: 200,
        contentType: "application/json",
        body: Stream.fromIterable(
          Array.from({ length: container.samples }, () => Buffer.from(`${JSON.stringify(sample)}\n`))
        )
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
      expect(container.inspections).toBe(61)
      expect(elements).toEqual([{ _tag: "Stopped", containerId: "web" }])

      Object.assign(container, { status: "running", samples: 2 })
      yield* TestClock.adjust("1 second")
      const running = { _tag: "Running", containerId: "full-id", name: "web", cpuPercent: 40, memoryUsage: 80 }
      expect(elements.slice(1)).toMatchObject([running, running])
      Object.assign(container, { status: "exited", samples: 0 })
      yield* TestClock.adjust("5 seconds")
      expect(elements.slice(3)).toEqual([{ _tag: "Stopped", containerId: "web" }])

      container.status = "gone"
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(reading)
      expect(elements).toHaveLength(4)
    }).pipe(Effect.provide(Layer.merge(Layer.provide(Stats.layer, layer), TestContext.TestContext)))
  )
})

it("stats use constant memory however long a container is stopped", async () => {
  const { container, layer } = engineOf()
  const hasPolled = (times: number) =>
    Effect.promise(() => eventually(() => container.inspections).toBeGreaterThanOrEqual(times))
  const program = Effect.gen(function* () {
    const stats = yield* Stats
    yield* Effect.fork(Stream.runDrain(stats.stream("web")))
    yield* hasPolled(500)
    const before = liveMemory()
    yield* hasPolled(3_000)
    expect(liveMemory() - before).toBeLessThan(1_000_000)
  })
  const live = Layer.provide(Stats.layer, layer)
  // Sleeping takes no time.
  const clock = { ...Clock.make(), sleep: () => Effect.yieldNow() }
  await Effect.runPromise(program.pipe(Effect.provide(live), Effect.withClock(clock)))
})
