/** How the server retries what failed because the engine was unavailable. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"

/** The pause between two attempts. `EngineMonitor` needs some time to notice that the engine is gone. */
export const reconnectDelay = "250 millis"

/** Retries without end, with `reconnectDelay` in between. */
export const reconnectSchedule = Schedule.spaced(reconnectDelay)

const isEngineUnavailable = (error: { readonly _tag: string }): boolean => error._tag === "EngineUnavailable"

/** Runs the effect once the engine is available, and again each time it fails with `EngineUnavailable`. */
export const runWhenAvailable = <A, E extends { readonly _tag: string }, R>(
  effect: Effect.Effect<A, E, R>,
  whenAvailable: Effect.Effect<void>
): Effect.Effect<A, E, R> =>
  Effect.retry(Effect.andThen(whenAvailable, effect), { schedule: reconnectSchedule, while: isEngineUnavailable })

/** Runs the effect at once. If it fails with `EngineUnavailable`, runs it again once the engine is available. */
export const retryWhenAvailable = <A, E extends { readonly _tag: string }, R>(
  effect: Effect.Effect<A, E, R>,
  whenAvailable: Effect.Effect<void>
): Effect.Effect<A, E, R> =>
  Effect.catchIf(effect, isEngineUnavailable, () =>
    Effect.delay(runWhenAvailable(effect, whenAvailable), reconnectDelay)
  )

/** Runs the effect again each time it dies, after it has logged the defect. Failures and interruptions end it. */
export const restartAfterDefect = <A, E, R>(effect: Effect.Effect<A, E, R>, message: string): Effect.Effect<A, E, R> =>
  Effect.sandbox(effect).pipe(
    Effect.tapError((cause) => (Cause.isDie(cause) ? Effect.logError(message, cause) : Effect.void)),
    Effect.retry({ schedule: reconnectSchedule, while: Cause.isDie }),
    Effect.unsandbox
  )
