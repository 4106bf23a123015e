import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"

interface Lock {
  readonly semaphore: Effect.Semaphore
  /** How many have it or wait for it. */
  users: number
}

/** A place in the queue for a lock. */
export interface LockPlace {
  /** Whether someone had the lock, or waited for it, before. */
  readonly isBusy: boolean
  /** Waits for the lock, and has it until the scope closes. */
  readonly take: Effect.Effect<void, never, Scope.Scope>
}

/** Lets one effect at a time run for each key. */
export class KeyedLock {
  readonly #locks = new Map<string, Lock>()

  /** Counts as a user of a key's lock until the scope closes. */
  enter(key: string): Effect.Effect<LockPlace, never, Scope.Scope> {
    const entered = Effect.sync(() => {
      const lock = this.#locks.get(key) ?? { semaphore: Effect.unsafeMakeSemaphore(1), users: 0 }
      this.#locks.set(key, lock)
      lock.users++
      return { lock, isBusy: lock.users > 1 }
    })
    const leave = ({ lock }: { readonly lock: Lock }) =>
      Effect.sync(() => {
        if (--lock.users === 0) this.#locks.delete(key)
      })
    return Effect.map(Effect.acquireRelease(entered, leave), ({ isBusy, lock: { semaphore } }) => ({
      isBusy,
      take: Effect.uninterruptibleMask((restore) =>
        Effect.zipRight(
          restore(semaphore.take(1)),
          Effect.addFinalizer(() => semaphore.release(1))
        )
      )
    }))
  }

  /** Runs an effect when no other runs for this key. */
  readonly withLock =
    (key: string) =>
    <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.scopedWith((scope) =>
        Effect.zipRight(
          Scope.extend(
            Effect.flatMap(this.enter(key), ({ take }) => take),
            scope
          ),
          effect
        )
      )
}
