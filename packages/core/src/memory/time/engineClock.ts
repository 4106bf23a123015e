import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/**
 * The engine's clock, in nanoseconds since the epoch. It follows Effect's `Clock`, by as much ahead of it as it was created
 * with, but is strictly increasing, even while that clock stands still.
 */
export class EngineClock {
  #last: bigint | undefined

  /** `aheadMillis` is how far it is ahead of Effect's `Clock`; negative if it is behind. */
  constructor(readonly aheadMillis = 0) {}

  /** The current time by `clock`, or one nanosecond after the last time returned if that is later. */
  unsafeNow(clock: Clock.Clock): bigint {
    const now = clock.unsafeCurrentTimeNanos() + BigInt(Math.round(this.aheadMillis * 1e6))
    this.#last = this.#last === undefined || now > this.#last ? now : this.#last + 1n
    return this.#last
  }

  /** The current time by the fiber's `Clock`. */
  readonly now: Effect.Effect<bigint> = Effect.clockWith((clock) => Effect.sync(() => this.unsafeNow(clock)))

  /** The current time in milliseconds. It may be the same twice. */
  readonly currentMillis: Effect.Effect<number> = Effect.map(
    Clock.currentTimeMillis,
    (millis) => millis + this.aheadMillis
  )
}
