/** What is left to chance in the demo. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

/** Waits for a time between two, in milliseconds. */
export const pause = (least: number, most: number): Effect.Effect<void> =>
  Effect.flatMap(Random.nextRange(least, most), (millis) => Effect.sleep(Duration.millis(millis)))

/** One of them. */
export const oneOf = <A>(all: readonly [A, ...ReadonlyArray<A>]): Effect.Effect<A> =>
  Effect.map(Random.nextIntBetween(0, all.length), (index) => all[index] ?? all[0])

/** Whether it happens, as often as that of one. */
export const happens = (chance: number): Effect.Effect<boolean> => Effect.map(Random.next, (number) => number < chance)
