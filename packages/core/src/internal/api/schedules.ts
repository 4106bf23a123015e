import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"

/** Tries again for some seconds while it fails with this error. */
const again =
  (tag: string) =>
  <A, E extends { readonly _tag: string }, R>(attempt: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.retry(attempt, {
      while: (error) => error._tag === tag,
      schedule: Schedule.spaced("50 millis").pipe(Schedule.upTo("5 seconds"))
    })

/**
 * Tries a removal again where the thing is in use: the engine answers that a container is removed a moment before it lets go
 * of its volumes and networks, where its start was interrupted.
 */
export const untilLetGo = again("ResourceInUse")

/** Waits for another prune of the kind: given up on it, one that has begun would lose what it knows of what it removed. */
export const inTurn = again("PruneInProgress")
