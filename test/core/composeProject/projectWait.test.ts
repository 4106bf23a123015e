import { Containers, Docker, MemoryEngine } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { describe, expect, it } from "vitest"
import {
  openProjectWait,
  type ProjectWaitOptions
} from "../../../packages/core/src/internal/compose/wait/projectWait.js"
import { describeEngine } from "../../engine/realEngine.js"
import { onTestEngine } from "../bothEngines.js"
import { inVirtualTime, virtualDuration } from "../virtualTime.js"
import { serviceLabels } from "./labelledService.js"
import { lasting, withProject } from "./realProject.js"

const service = (name: string, more: object = {}) => ({
  name: `shop-${name}-1`,
  image: "busybox",
  command: ["sleep", "100000"],
  labels: serviceLabels(name),
  ...more
})
const checked = { config: { Healthcheck: { Test: ["CMD", "true"] } } }

/** Brings a project up and waits for it: the steps as text, or the failure. */
const waiting = <E, R>(up: Effect.Effect<unknown, E, R>, options: ProjectWaitOptions = {}) =>
  Effect.gen(function* () {
    const ready = yield* openProjectWait(yield* Docker, "shop", options)
    yield* up
    const told: Array<string> = []
    const end = yield* Stream.runForEach(ready, ({ exitCode, service, status }) =>
      Effect.sync(() => told.push(`${service} ${status}${exitCode === undefined ? "" : ` ${exitCode}`}`))
    ).pipe(Effect.either)
    return { told, end }
  }).pipe(Effect.scoped)

const starting = (...names: ReadonlyArray<string>) =>
  Effect.flatMap(Containers, (containers) => Effect.forEach(names, (name) => containers.start(`shop-${name}-1`)))

const project = [service("db", { started: false, ...checked }), service("web", { started: false })]

describe("waiting for a project in virtual time", () => {
  it("ends when all is healthy, settled or done", () =>
    inVirtualTime(
      { containers: [...project, service("init", { started: false })] },
      Effect.gen(function* () {
        const engine = yield* MemoryEngine
        const fiber = yield* Effect.fork(waiting(starting("db", "web", "init")))
        yield* TestClock.adjust("1 second")
        yield* engine.exit("shop-init-1", 0)
        yield* engine.setHealth("shop-db-1", "healthy")
        yield* TestClock.adjust("900 millis")
        expect((yield* Fiber.poll(fiber))._tag).toBe("None")
        expect(yield* virtualDuration(fiber, 1_000, 50)).toBeLessThanOrEqual(150)
        const { end, told } = yield* Fiber.join(fiber)
        expect(end).toEqual(Either.right(undefined))
        const steps = ["db waiting", "web waiting", "init waiting", "init exited 0", "db healthy", "web running"]
        expect(told.toSorted()).toEqual(steps.toSorted())
      })
    ))

  type Break = Effect.Effect<unknown, unknown, Containers | MemoryEngine>
  const engine = (use: (engine: typeof MemoryEngine.Service) => Effect.Effect<unknown, unknown>) =>
    Effect.flatMap(MemoryEngine, use)
  const failures: Record<string, readonly [Break, object]> = {
    "ends with a code": [
      engine((engine) =>
        Effect.zipRight(engine.writeLine("shop-web-1", "stderr", "no database"), engine.exit("shop-web-1", 3))
      ),
      { reason: "Exited", service: "web", exitCode: 3, lastLines: ["no database"] }
    ],
    "is unhealthy": [
      engine((engine) => engine.setHealth("shop-db-1", "unhealthy")),
      { reason: "Unhealthy", service: "db" }
    ],
    "is removed": [
      Effect.flatMap(Containers, (containers) => containers.remove("shop-web-1", { force: true })),
      { service: "web" }
    ]
  }
  it.each(Object.entries(failures))("fails at once if a service %s", (_name, [break_, expected]) =>
    inVirtualTime(
      { containers: project },
      Effect.gen(function* () {
        const fiber = yield* Effect.fork(waiting(starting("db", "web")))
        yield* TestClock.adjust("1 second")
        yield* break_
        expect(yield* virtualDuration(fiber, 1_000, 50)).toBe(0)
        expect((yield* Fiber.join(fiber)).end).toMatchObject(Either.left({ _tag: "ProjectNotReady", ...expected }))
      })
    )
  )

  it("fails at the first restart of a crash loop, unless more are allowed", () =>
    inVirtualTime(
      { containers: [service("web", { started: false, restart: { policy: "always" } })] },
      Effect.gen(function* () {
        const { exit } = yield* MemoryEngine
        const fiber = yield* Effect.fork(waiting(starting("web"), { restarts: 1 }))
        yield* TestClock.adjust("1 second")
        yield* exit("shop-web-1", 1)
        yield* TestClock.adjust("1500 millis")
        expect((yield* Fiber.poll(fiber))._tag).toBe("None")
        yield* exit("shop-web-1", 1)
        expect(yield* virtualDuration(fiber, 1_000, 50)).toBeLessThan(1_000)
        const end = Either.left(expect.objectContaining({ reason: "Exited", service: "web" }))
        expect((yield* Fiber.join(fiber)).end).toEqual(end)
      })
    ))

  it("goes on after a short outage, and fails after a longer one", () =>
    inVirtualTime(
      { containers: project },
      Effect.gen(function* () {
        const engine = yield* MemoryEngine
        const fiber = yield* Effect.fork(waiting(starting("db", "web")))
        yield* TestClock.adjust("1 second")
        yield* engine.goOffline()
        yield* TestClock.adjust("3 seconds")
        yield* engine.heal
        yield* engine.setHealth("shop-db-1", "healthy")
        expect(yield* virtualDuration(fiber, 5_000)).toBeLessThan(5_000)
        expect((yield* Fiber.join(fiber)).end).toEqual(Either.right(undefined))

        const second = yield* Effect.fork(waiting(engine.setHealth("shop-db-1", "starting")))
        yield* TestClock.adjust("3 seconds")
        yield* engine.goOffline()
        expect(yield* virtualDuration(second, 10_000)).toBeLessThanOrEqual(5_500)
        expect((yield* Fiber.join(second)).end).toMatchObject(Either.left({ _tag: "EngineUnavailable" }))
      })
    ))

  it("fails in time, and names what is not ready", () =>
    inVirtualTime(
      { containers: project },
      Effect.gen(function* () {
        const fiber = yield* Effect.fork(waiting(starting("db", "web"), { timeout: "7 seconds" }))
        expect(yield* virtualDuration(fiber, 10_000)).toBe(7_000)
        const expected = { reason: "TimedOut", service: "db", detail: "not ready within 7s: db" }
        expect((yield* Fiber.join(fiber)).end).toMatchObject(Either.left(expected))
      })
    ))
})

describeEngine("waiting for a project", () => {
  const waitFor = (name: string, up: () => Promise<unknown>) =>
    onTestEngine(
      Effect.gen(function* () {
        const ready = yield* openProjectWait(yield* Docker, name, { timeout: "60 seconds" })
        yield* Effect.promise(up)
        return yield* Effect.either(
          Stream.runCollect(Stream.map(ready, ({ service, status }) => `${service} ${status}`))
        )
      })
    )
  const web = `web: { image: busybox, init: true, command: ${lasting} }`
  const healthcheck = `healthcheck: { test: ["CMD", "test", "-e", "/tmp/ready"], interval: 1s, retries: 60 }`
  const db = `db: { image: busybox, init: true, command: [sh, -c, "sleep 1; touch /tmp/ready; sleep 1000"], ${healthcheck} }`

  it("ends when it is up, with a service that nobody waits for and that has done its work", () =>
    withProject(
      `services:\n  ${web}\n  ${db}\n  init: { image: busybox, command: [sh, -c, "sleep 0.3"] }\n`,
      async ({ compose, name }) => {
        const told = await waitFor(name, () => compose("up", "--detach"))
        expect(Either.map(told, (steps) => Array.from(steps))).toMatchObject(
          Either.right(expect.arrayContaining(["web running", "db healthy", "init exited"]))
        )
      }
    ))

  const failing: ReadonlyArray<readonly [string, string, object]> = [
    [
      "ends with a code after a second",
      `[sh, -c, "echo no licence; sleep 1; exit 3"]`,
      { exitCode: 3, lastLines: ["no licence"] }
    ],
    ["crashes for ever", `[sh, -c, "echo oops; exit 5"], restart: always`, { exitCode: 5 }]
  ]
  it.each(failing)("fails if a service %s", (_name, command, expected) =>
    withProject(`services:\n  ${web}\n  bad: { image: busybox, command: ${command} }\n`, async ({ compose, name }) => {
      const end = await waitFor(name, () => compose("up", "--detach"))
      expect(end).toMatchObject(Either.left({ _tag: "ProjectNotReady", service: "bad", reason: "Exited", ...expected }))
    })
  )
})
