import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { describe, expect, it } from "vitest"
import { removeOrWarn } from "../../../packages/core/src/internal/api/scopedResource.js"

/** Closes a scope whose finalizer is this removal. Returns when it was over, in milliseconds, and what was logged. */
const closedWith = async (removal: Effect.Effect<unknown, { readonly message: string }>) => {
  const logged: Array<string> = []
  const logger = Logger.replace(
    Logger.defaultLogger,
    Logger.make(({ message }) => void logged.push(String(message)))
  )
  const program = Effect.gen(function* () {
    const closing = yield* Effect.fork(
      Effect.scoped(Effect.addFinalizer(() => removeOrWarn("volume data", removal))).pipe(Effect.exit)
    )
    for (let time = 0; ; time += 1_000) {
      yield* TestClock.adjust(0)
      const exit = yield* Fiber.poll(closing)
      if (exit._tag === "Some") return { time, succeeded: Exit.isSuccess(exit.value) }
      if (time > 120_000) return { time, succeeded: false }
      yield* TestClock.adjust("1 second")
    }
  })
  const result = await Effect.runPromise(program.pipe(Effect.provide(logger), Effect.provide(TestContext.TestContext)))
  return { ...result, logged }
}

describe("the removal of a scoped resource", () => {
  it("takes 30 seconds at most, though a finalizer can't be interrupted", async () => {
    let isInterrupted = false
    const endless = Effect.onInterrupt(Effect.never, () => Effect.sync(() => (isInterrupted = true)))
    expect(await closedWith(endless)).toEqual({
      time: 30_000,
      succeeded: true,
      logged: ["Could not remove volume data within 30 seconds"]
    })
    expect(isInterrupted).toBe(true)
  })

  it("is bounded also if it is retried without end", async () => {
    const retried = Effect.retry(Effect.delay(Effect.fail({ message: "in use" }), "50 millis"), { while: () => true })
    expect(await closedWith(retried)).toMatchObject({ time: 30_000, succeeded: true })
  })

  it("does not fail the scope, and says nothing if it succeeds in time", async () => {
    expect(await closedWith(Effect.fail({ message: "The volume is in use." }))).toEqual({
      time: 0,
      succeeded: true,
      logged: ["Could not remove volume data: The volume is in use."]
    })
    expect(await closedWith(Effect.sleep("29 seconds"))).toEqual({ time: 29_000, succeeded: true, logged: [] })
  })
})
