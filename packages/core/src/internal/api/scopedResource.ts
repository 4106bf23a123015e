import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"

/** Runs a finalizer's removal for at most 30 seconds, and logs a warning if it fails or times out. */
export const removeOrWarn = <E extends { readonly message: string }>(
  label: string,
  removal: Effect.Effect<unknown, E>
): Effect.Effect<void> =>
  removal.pipe(
    Effect.interruptible,
    Effect.timeoutOption("30 seconds"),
    Effect.flatMap(
      Option.match({
        onNone: () => Effect.logWarning(`Could not remove ${label} within 30 seconds`),
        onSome: () => Effect.void
      })
    ),
    Effect.catchAll((error) => Effect.logWarning(`Could not remove ${label}: ${error.message}`))
  )

/** How long an interrupt waits for the cleanup. A healthy engine creates and removes a resource within this time. */
const cleanupGrace = "300 millis"

/**
 * Like `Effect.acquireRelease`, but interrupting the acquisition returns promptly. A create request cannot be cancelled
 * on the engine, so `acquire` runs in a daemon fiber: after an interrupt it continues in the background, and the
 * resource is released as soon as it exists. `acquire` must bound its own running time.
 */
export const acquireDetached = <A, E extends { readonly message: string }, R, R2>(
  label: string,
  acquire: Effect.Effect<A, E, R>,
  release: (resource: A) => Effect.Effect<void, never, R2>
): Effect.Effect<A, E, R | R2 | Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const acquiring = yield* Effect.forkDaemon(Effect.interruptible(acquire))
      const cleanup = Effect.matchEffect(Fiber.join(acquiring), {
        onFailure: (error) => Effect.logDebug(`Creating ${label} failed after an interrupt: ${error.message}`),
        onSuccess: release
      })
      const abandon = Effect.flatMap(Effect.forkDaemon(cleanup), (fiber) =>
        Effect.timeoutOption(Effect.interruptible(Fiber.await(fiber)), cleanupGrace)
      )
      const resource = yield* restore(Fiber.join(acquiring)).pipe(Effect.onInterrupt(() => abandon))
      yield* Effect.addFinalizer(() => release(resource))
      return resource
    })
  )

/**
 * Opens something in the current scope. If that fails or is interrupted, whatever it has opened is closed at once, even if
 * the scope lives on: a caller may give up a connection that is slow to open and continue with something else.
 */
export const openInScope = <A, E, R>(
  open: Effect.Effect<A, E, R>
): Effect.Effect<A, E, Exclude<R, Scope.Scope> | Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const scope = yield* Scope.fork(yield* Effect.scope, ExecutionStrategy.sequential)
      return yield* restore(Scope.extend(open, scope)).pipe(
        Effect.onExit((exit) => (Exit.isFailure(exit) ? Scope.close(scope, exit) : Effect.void))
      )
    })
  )
