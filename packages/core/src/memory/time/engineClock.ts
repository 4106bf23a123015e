import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** What the engine gives for a moment that never was. */
export const zeroTime = "0001-01-01T00:00:00Z"

/** The engine's time: that of Effect's clock, but no two moments are the same, also where that clock stands still. */
export class EngineClock {
  #last = 0n

  /** The next moment by the given clock, in nanoseconds since the epoch. */
  next(clock: Clock.Clock): bigint {
    const now = clock.unsafeCurrentTimeNanos()
    this.#last = now > this.#last ? now : this.#last + 1n
    return this.#last
  }

  /** The next moment, in nanoseconds since the epoch. */
  readonly now: Effect.Effect<bigint> = Effect.clockWith((clock) => Effect.sync(() => this.next(clock)))
}

/** `sec.nnnnnnnnn`, or whole seconds, as a query has a moment; `undefined` where there is none. */
export const parseUnixTimestamp = (text: string | undefined): bigint | undefined | "invalid" => {
  if (text === undefined || text === "" || text === "0") return undefined
  const parts = /^(-?\d+)(?:\.(\d+))?$/.exec(text)
  return parts === null
    ? "invalid"
    : BigInt(parts[1] ?? "0") * 1_000_000_000n + BigInt((parts[2] ?? "").slice(0, 9).padEnd(9, "0"))
}
