import * as Effect from "effect/Effect"

/** Lets fibers wait for a condition over mutable state. Code that changes the state calls `notifyAll`. */
export class ConditionVariable {
  readonly #waiters = new Set<() => void>()

  /** Makes every waiter check its condition again. */
  notifyAll(): void {
    // A copy: a waiter that resumes may start waiting again at once.
    const waiters = [...this.#waiters]
    for (const check of waiters) check()
  }

  /** Completes as soon as `condition` holds. It is checked immediately and on every `notifyAll`. */
  waitUntil(condition: () => boolean): Effect.Effect<void> {
    return Effect.async((resume) => {
      const check = () => {
        if (!condition()) return
        this.#waiters.delete(check)
        resume(Effect.void)
      }
      this.#waiters.add(check)
      check()
      return Effect.sync(() => this.#waiters.delete(check))
    })
  }
}
