/** How the server retries what failed because the engine was unavailable. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
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

/** The longest pause after a defect. Without one for this long, the next one counts as the first. */
const longestPause = Duration.minutes(1)

/**
 * Logs a defect and pauses: `reconnectDelay` after the first one, twice as long after each further one, up to a minute. A
 * defect that lasts is logged once, and again when it changes.
 */
export const pauseAfterDefect = (message: string): ((cause: Cause.Cause<unknown>) => Effect.Effect<void>) => {
  let pause = Duration.decode(reconnectDelay)
  let logged: string | undefined
  let resumedAt = 0
  return Effect.fnUntraced(function* (cause) {
    if ((yield* Clock.currentTimeMillis) - resumedAt >= Duration.toMillis(longestPause)) {
      pause = Duration.decode(reconnectDelay)
      logged = undefined
    }
    const defect = String(Cause.squash(cause))
    if (defect !== logged) yield* Effect.logError(message, cause)
    logged = defect
    yield* Effect.sleep(pause)
    pause = Duration.min(Duration.times(pause, 2), longestPause)
    resumedAt = yield* Clock.currentTimeMillis
  })
}

/** Runs the effect again each time it dies, after `pauseAfterDefect`. Failures and interruptions end it. */
export const restartAfterDefect = <A, E, R>(effect: Effect.Effect<A, E, R>, message: string): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const pause = pauseAfterDefect(message)
    return Effect.sandbox(effect).pipe(
      Effect.tapError((cause) => (Cause.isDie(cause) ? pause(cause) : Effect.void)),
      Effect.retry({ while: Cause.isDie }),
      Effect.unsandbox
    )
  })
