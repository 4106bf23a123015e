import * as Effect from "effect/Effect"

/** Lets one effect at a time run for each key. */
export class KeyedLock {
  readonly #locks = new Map<string, { readonly semaphore: Effect.Semaphore; users: number }>()

  readonly withLock =
    (key: string) =>
    <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.acquireUseRelease(
        Effect.sync(() => {
          const lock = this.#locks.get(key) ?? { semaphore: Effect.unsafeMakeSemaphore(1), users: 0 }
          this.#locks.set(key, lock)
          lock.users += 1
          return lock
        }),
        ({ semaphore }) => semaphore.withPermits(1)(effect),
        (lock) =>
          Effect.sync(() => {
            lock.users -= 1
            if (lock.users === 0) this.#locks.delete(key)
          })
      )
}
