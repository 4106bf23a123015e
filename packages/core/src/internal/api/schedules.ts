import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"

/** Every 50 milliseconds for up to 5 seconds: for a resource that the engine reports as busy. */
export const whileBusy = Schedule.spaced("50 millis").pipe(Schedule.upTo("5 seconds"))

/** Backoff for reconnecting to the engine: 250 milliseconds, doubled after each attempt up to 5 seconds. */
export const reconnect = Schedule.exponential("250 millis").pipe(Schedule.union(Schedule.spaced("5 seconds")))

/** Backoff for reopening a log that was cut: 20 milliseconds, doubled after each attempt up to 1 second. */
export const reopenLog = Schedule.exponential("20 millis").pipe(Schedule.union(Schedule.spaced("1 second")))

/** Every 15 seconds: how often a silent log is compared with what was delivered of it. */
export const muteProbe = Schedule.spaced("15 seconds")

/** Delays between probes of a port: 50 milliseconds, doubled after each probe up to half a second. */
export const probePort = Schedule.exponential("50 millis").pipe(Schedule.union(Schedule.spaced("500 millis")))

/** Every 10 seconds: how often a silent connection is checked. */
export const livenessCheck = Schedule.spaced("10 seconds")

/** How long the answer to such a check may take. An engine under load may be slow, and it is available all the same. */
export const livenessTimeout = Duration.seconds(15)

const retryWhileBusy =
  (tag: string) =>
  <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.retry(effect, { while: (error) => error._tag === tag, schedule: whileBusy })

/**
 * Retries a removal while the resource is in use. After an interrupted start, the engine reports a container as removed
 * shortly before it releases the volumes and networks of that container.
 */
export const retryWhileInUse = retryWhileBusy("ResourceInUse")

/** Retries a prune while the engine is running another prune of the same kind. */
export const retryWhilePruning = retryWhileBusy("PruneInProgress")

/** After 5, 10, 20, 40 and 80 milliseconds: for the exit of a command, which most often follows its output at once. */
export const execExitPoll = Schedule.exponential("5 millis").pipe(Schedule.intersect(Schedule.recurs(5)))

/** From 5 milliseconds up to every 200, for 10 seconds: for the process id of a command whose output has begun. */
export const execStartPoll = Schedule.exponential("5 millis").pipe(
  Schedule.union(Schedule.spaced("200 millis")),
  Schedule.upTo("10 seconds")
)

/** Every 100 milliseconds for 2 seconds: for the end of a container whose output has ended. */
export const containerEndPoll = Schedule.spaced("100 millis").pipe(Schedule.intersect(Schedule.recurs(20)))

/** How often to look for the next run of a container that is stopped, should the engine not report it. */
export const nextRunPoll = Duration.seconds(30)

/** How long to wait when the stats of a container end although it runs. */
export const rerunDelay = Duration.seconds(1)
