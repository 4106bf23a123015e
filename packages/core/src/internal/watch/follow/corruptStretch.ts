/**
 * Stepping over a part of a log that the engine can't read: NUL bytes that a crash left, half a record, a file that something
 * else wrote to.
 *
 * The engine reads a log from its start, or from its last records on, and ends the response at the first record that it can't
 * decode, with an error that may replace records in front of it. What lies after the corrupt part is reached only from the
 * end of the log: by asking for so few of the last records that it is not among them.
 */
import * as Effect from "effect/Effect"
import type { LastRecords } from "./logScanner.js"

/** The most records to look for. */
const maxRecords = 2 ** 20

/** The end of a log that can be read. */
export interface ReadableEnd {
  /** How many of the last records could be read; 0 if none. */
  readonly records: number
  /** The identity of the first of them. */
  readonly first: number | undefined
  readonly last: number | undefined
  /** Whether the delivered records reach into it, so that nothing has to be stepped over. */
  readonly isReached: boolean
}

/**
 * Finds how many of the last records can be read, up to those that have been delivered.
 *
 * @param lastRecords reads so many of the last records
 * @param isReached whether the anchor is among them
 */
export const findReadable = <E>(
  lastRecords: (tail: number) => Effect.Effect<LastRecords, E>,
  isReached: (identities: ReadonlyArray<number>) => boolean
): Effect.Effect<ReadableEnd, E> =>
  Effect.gen(function* () {
    let best: ReadableEnd = { records: 0, first: undefined, last: undefined, isReached: false }
    /** Whether the last `tail` records can be read. A response that ends early may have lost its error. */
    const isReadable = (tail: number) =>
      Effect.map(lastRecords(tail), ({ hasFailed, identities }) => {
        if (hasFailed || identities.length < tail) return false
        best = { records: tail, first: identities[0], last: identities.at(-1), isReached: isReached(identities) }
        return true
      })
    let tail = 1
    while (tail <= maxRecords && (yield* isReadable(tail)) && !best.isReached) tail *= 2
    let unreadable = tail
    while (!best.isReached && unreadable - best.records > 1) {
      const middle = Math.floor((best.records + unreadable) / 2)
      if (!(yield* isReadable(middle))) unreadable = middle
    }
    return best
  })
