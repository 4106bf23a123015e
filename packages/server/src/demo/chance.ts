/** Randomness in the demo's programs. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

/** Sleeps for a random time between `min` and `max` milliseconds. */
export const sleepBetween = (min: number, max: number): Effect.Effect<void> =>
  Effect.flatMap(Random.nextRange(min, max), (millis) => Effect.sleep(Duration.millis(millis)))

/** Picks one of the values, all with the same probability. */
export const pickOne = <A>(values: readonly [A, ...ReadonlyArray<A>]): Effect.Effect<A> =>
  Effect.map(Random.nextIntBetween(0, values.length), (index) => values[index] ?? values[0])

/** Returns `true` with the given probability, between 0 and 1. */
export const withProbability = (probability: number): Effect.Effect<boolean> =>
  Effect.map(Random.next, (number) => number < probability)
