import { Containers, MemoryEngine, ProgramStep, type RequestPattern, type WaitCondition } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { describe, expect, it } from "vitest"
import { clockSkews, inVirtualTime, virtualDuration } from "../virtualTime.js"

const waiting = (condition: WaitCondition, timeout = 60_000) =>
  Effect.flatMap(Containers, (containers) => containers.waitUntil("web", condition, { timeout })).pipe(
    Effect.either,
    Effect.fork
  )

const web = { name: "web", image: "busybox", command: ["sleep", "100000"] }

describe("the timeout of a wait", () => {
  const conditions: ReadonlyArray<WaitCondition> = ["exited", "healthy", { log: "never" }, { port: 80 }]
  const requests: ReadonlyArray<RequestPattern> = [
    { path: /json$/ },
    { path: "/events" },
    { path: /logs$/ },
    { path: /./ }
  ]
  const cases = requests.flatMap((request) =>
    conditions.map((condition) => [String(request.path), JSON.stringify(condition), request, condition] as const)
  )

  it.each(cases)("bounds it if %s is never answered, for %s", (_path, _condition, request, condition) =>
    inVirtualTime(
      { containers: [{ ...web, config: { Healthcheck: { Test: ["CMD", "true"] } } }] },
      Effect.gen(function* () {
        yield* (yield* MemoryEngine).slow(request, "1 hour")
        const fiber = yield* waiting(condition, 1_000)
        const uninterruptible = yield* Effect.uninterruptible(waiting(condition, 1_000))
        expect(yield* virtualDuration(fiber, 5_000)).toBeLessThanOrEqual(3_000)
        expect(yield* virtualDuration(uninterruptible, 0)).toBe(0)
        expect(yield* Fiber.join(fiber)).toMatchObject(
          Either.left({ _tag: "WaitFailed", reason: "TimedOut", lastLines: [] })
        )
      })
    )
  )

  it("ends it at once if the engine has not answered at all", () =>
    inVirtualTime(
      { containers: [web] },
      Effect.gen(function* () {
        yield* (yield* MemoryEngine).slow({}, "1 hour")
        const fiber = yield* waiting("exited", 1_000)
        expect(yield* virtualDuration(fiber, 5_000)).toBe(1_000)
        const detail = "the engine did not answer within 1s"
        expect(yield* Fiber.join(fiber)).toMatchObject(Either.left({ containerId: "web", reason: "TimedOut", detail }))
      })
    ))
})

describe("waiting for several lines", () => {
  it("ends with the last of them, of old and new lines together", () =>
    inVirtualTime(
      { containers: [web] },
      Effect.gen(function* () {
        const { writeLine } = yield* MemoryEngine
        yield* writeLine("web", "stdout", "ready")
        yield* writeLine("web", "stdout", "getting ready, ready")
        const fiber = yield* waiting({ log: "ready", times: 3 })
        yield* TestClock.adjust("1 second")
        yield* writeLine("web", "stdout", "something else")
        yield* TestClock.adjust("1 second")
        expect((yield* Fiber.poll(fiber))._tag).toBe("None")
        yield* writeLine("web", "stderr", "ready")
        yield* TestClock.adjust(0)
        expect(yield* Fiber.join(fiber)).toEqual(Either.right(undefined))
        const old = yield* waiting({ log: /^ready$/, times: 2 })
        yield* TestClock.adjust(0)
        expect(yield* Fiber.join(old)).toEqual(Either.right(undefined))
      })
    ))

  it("counts each run by itself, and a line in parts once", () => {
    let runs = 0
    return inVirtualTime(
      {
        programs: [
          {
            image: "shop",
            run: () =>
              Stream.concat(
                Stream.make(ProgramStep.line(`ready ${"ready ".repeat(400_000)}`)),
                ++runs < 2
                  ? Stream.make(ProgramStep.exit(1))
                  : Stream.make(ProgramStep.line("ready"), ProgramStep.exit(0))
              )
          }
        ],
        containers: [{ name: "web", image: "shop", started: false, restart: { policy: "on-failure" } }]
      },
      Effect.gen(function* () {
        const twice = yield* waiting({ log: "ready", times: 2 })
        const thrice = yield* waiting({ log: "ready", times: 3 })
        yield* (yield* Containers).start("web")
        yield* TestClock.adjust("30 seconds")
        expect(yield* Fiber.join(twice)).toEqual(Either.right(undefined))
        expect(yield* Fiber.join(thrice)).toMatchObject(
          Either.left({ _tag: "WaitFailed", reason: "Exited", condition: '3 log lines containing "ready"' })
        )
      })
    )
  })

  it("a number that is none is refused", () =>
    inVirtualTime(
      { containers: [web] },
      Effect.gen(function* () {
        for (const times of [0, -1, 1.5, Number.NaN]) {
          const failed = yield* Effect.flatMap(waiting({ log: "x", times }), Fiber.join)
          expect(failed).toMatchObject(Either.left({ _tag: "InvalidRequest", field: "times", value: String(times) }))
        }
      })
    ))
})

describe.each(clockSkews)("waiting for a container of an engine whose clock is %i ms ahead", (clockSkew) => {
  it("goes by the engine's clock only", () =>
    inVirtualTime(
      { clockSkew, containers: [{ ...web, started: false }] },
      Effect.gen(function* () {
        const { exit, writeLine } = yield* MemoryEngine
        const containers = yield* Containers
        const running = yield* waiting("running")
        const line = yield* waiting({ log: "ready" })
        const exited = yield* waiting("exited")
        yield* TestClock.adjust("2 seconds")
        yield* containers.start("web")
        yield* TestClock.adjust("100 millis")
        expect(yield* Fiber.join(running)).toEqual(Either.right(undefined))
        yield* writeLine("web", "stdout", "ready")
        yield* TestClock.adjust("100 millis")
        expect(yield* Fiber.join(line)).toEqual(Either.right(undefined))
        yield* exit("web", 0)
        yield* TestClock.adjust("100 millis")
        expect(yield* Fiber.join(exited)).toEqual(Either.right(undefined))
        // The lines of an earlier run do not count.
        yield* containers.start("web")
        const again = yield* waiting({ log: "ready" }, 3_000)
        yield* TestClock.adjust("10 seconds")
        expect(yield* Fiber.join(again)).toMatchObject(Either.left({ reason: "TimedOut" }))
      })
    ))
})
