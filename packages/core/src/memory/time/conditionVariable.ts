import * as Effect from "effect/Effect"

/** Tells who waits that something has changed. */
export class ConditionVariable {
  readonly #waiting = new Set<() => void>()

  notifyAll(): void {
    // Who looks may come again at once.
    const waiting = [...this.#waiting]
    for (const look of waiting) look()
  }

  /** Done as soon as the condition holds: looked at now, and whenever the bell rings. */
  waitUntil(condition: () => boolean): Effect.Effect<void> {
    return Effect.async((resume) => {
      const look = () => {
        if (!condition()) return
        this.#waiting.delete(look)
        resume(Effect.void)
      }
      this.#waiting.add(look)
      look()
      return Effect.sync(() => this.#waiting.delete(look))
    })
  }
}
