import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/**
 * The engine's clock, in nanoseconds since the epoch. It follows Effect's `Clock` but is strictly increasing, even while
 * that clock stands still.
 */
export class EngineClock {
  #last = 0n

  /** The current time by `clock`, or one nanosecond after the last time returned if that is later. */
  unsafeNow(clock: Clock.Clock): bigint {
    const now = clock.unsafeCurrentTimeNanos()
    this.#last = now > this.#last ? now : this.#last + 1n
    return this.#last
  }

  /** The current time by the fiber's `Clock`. */
  readonly now: Effect.Effect<bigint> = Effect.clockWith((clock) => Effect.sync(() => this.unsafeNow(clock)))
}
