import { MemoryEngine, type MemoryEngineOptions, Stats } from "@dockwire/core"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { expect } from "vitest"
import { type EngineServices, engineServices } from "./bothEngines.js"

/** How far an engine's clock may be ahead of ours, in milliseconds. */
export const clockSkews = [-3_600_000, -5_000, 0, 5_000, 3_600_000] as const

/** When virtual time begins. */
export const virtualStart = Date.UTC(2026, 0, 1)

/** Runs a program against a new engine in memory. Time stands still unless the program advances `TestClock`. */
export const inVirtualTime = <A, E>(
  options: MemoryEngineOptions,
  program: Effect.Effect<A, E, EngineServices | MemoryEngine | Stats | Scope.Scope>
): Promise<A> =>
  TestClock.setTime(virtualStart).pipe(
    Effect.zipRight(
      Effect.scoped(program).pipe(
        Effect.provide(Layer.merge(engineServices, Stats.layer).pipe(Layer.provideMerge(MemoryEngine.layer(options))))
      )
    ),
    Effect.provide(TestContext.TestContext),
    Effect.runPromise
  )

/** How many milliseconds of virtual time a fiber takes to end, in steps; fails if it takes longer than `limit`. */
export const virtualDuration = <A, E>(fiber: Fiber.Fiber<A, E>, limit: number, step = 250): Effect.Effect<number> =>
  Effect.gen(function* () {
    for (let time = 0; time <= limit; time += step) {
      yield* TestClock.adjust(0)
      if ((yield* Fiber.poll(fiber))._tag === "Some") return time
      yield* TestClock.adjust(step)
    }
    return expect.fail(`not over after ${limit} ms of virtual time`)
  })

const live = Clock.make()

/** A clock on which sleeping takes no time. */
export const sleepless: Clock.Clock = {
  [Clock.ClockTypeId]: Clock.ClockTypeId,
  currentTimeMillis: live.currentTimeMillis,
  currentTimeNanos: live.currentTimeNanos,
  unsafeCurrentTimeMillis: () => live.unsafeCurrentTimeMillis(),
  unsafeCurrentTimeNanos: () => live.unsafeCurrentTimeNanos(),
  sleep: () => Effect.yieldNow()
}
