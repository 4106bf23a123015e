import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"

/**
 * The end of something scoped: removed, or already gone. Idempotent, bounded in time, and never a failure: what is left
 * behind is said in the log.
 */
export const releaseWith = <E extends { readonly message: string }>(what: string, removal: Effect.Effect<unknown, E>) =>
  removal.pipe(
    Effect.interruptible,
    Effect.timeoutOption("30 seconds"),
    Effect.flatMap(
      Option.match({
        onNone: () => Effect.logWarning(`${what} was not removed within 30 seconds`),
        onSome: () => Effect.void
      })
    ),
    Effect.catchAll((error) => Effect.logWarning(`${what} is left behind: ${error.message}`))
  )

/** An engine that is well makes and removes a thing in less: then nothing is left to be done behind an interrupt. */
const patience = "300 millis"

/**
 * What is made for a scope. The engine can't be told to stop making it, so it is made beside: whoever is interrupted meanwhile
 * is so at once, and what comes of it later is released when it comes. How long that may take is for `make` to bound.
 */
export const madeForScope = <A, E extends { readonly message: string }, R, R2>(
  what: string,
  make: Effect.Effect<A, E, R>,
  release: (made: A) => Effect.Effect<void, never, R2>
): Effect.Effect<A, E, R | R2 | Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const making = yield* Effect.forkDaemon(Effect.interruptible(make))
      const abandoned = Effect.matchEffect(Fiber.join(making), {
        onFailure: (error) =>
          Effect.logDebug(`${what}, which nobody waits for any more, was not made: ${error.message}`),
        onSuccess: release
      })
      const abandon = Effect.flatMap(Effect.forkDaemon(abandoned), (fiber) =>
        Effect.timeoutOption(Effect.interruptible(Fiber.await(fiber)), patience)
      )
      const made = yield* restore(Fiber.join(making)).pipe(Effect.onInterrupt(() => abandon))
      yield* Effect.addFinalizer(() => release(made))
      return made
    })
  )
