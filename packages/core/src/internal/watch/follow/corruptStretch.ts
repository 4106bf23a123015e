/**
 * Stepping over a part of a log that the engine can't read: NUL bytes that a crash left, half a record, a file that something
 * else wrote to.
 *
 * The engine reads a log from its start, or from its last records on, and ends the response at the first record that it can't
 * decode, with an error. The error overtakes what the engine has read and not sent yet, so records in front of the corrupt
 * part are missing too. They are read with an end in front of the corrupt part, which is searched for. What lies after the
 * corrupt part is reached only from the end of the log: by asking for so few of the last records that it is not among them.
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
  readonly firstTimestamp: string
  readonly last: number | undefined
  readonly copies: LastRecords["copies"]
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
    let best: ReadableEnd = {
      records: 0,
      first: undefined,
      firstTimestamp: "",
      last: undefined,
      copies: [],
      isReached: false
    }
    /** Whether the last `tail` records can be read. A response that ends early may have lost its error. */
    const isReadable = (tail: number) =>
      Effect.map(lastRecords(tail), ({ copies, firstTimestamp, hasFailed, identities }) => {
        if (hasFailed || identities.length < tail) return false
        best = {
          records: tail,
          first: identities[0],
          firstTimestamp,
          last: identities.at(-1),
          copies,
          isReached: isReached(identities)
        }
        return true
      })
    let tail = 1
    while (tail <= maxRecords && (yield* isReadable(tail)) && !best.isReached) tail *= 2
    let unreadable = tail
    while (!best.isReached && unreadable - best.records > 1) {
      const middle = Math.floor((best.records + unreadable) / 2)
      if (!(yield* isReadable(middle))) unreadable = middle
    }
    // Meanwhile the log has grown, so that more of the last records can be read.
    for (const step of [64, 16, 4, 1, 4, 1]) if (!best.isReached) yield* isReadable(best.records + step)
    return best
  })

/** The most requests to approach the corrupt part with. A day has 47 bits of nanoseconds. */
const maxApproaches = 60

/** How many requests to the end of the log must bring nothing new. One brings the last record in every second case. */
const maxFruitless = 6

const toNanos = (time: string): bigint => BigInt(time.replace(".", ""))
const fromNanos = (nanos: bigint): string => {
  const digits = String(nanos).padStart(10, "0")
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`
}

/**
 * Reads what lies in front of the corrupt part.
 *
 * @param from a time in front of it, as the engine takes it
 * @param to a time after it
 * @param readUntil delivers what there is up to a time, and returns whether that succeeded
 * @param readToEnd does the same without a limit, and returns whether there was something new
 */
export const readInFront = <E>(
  from: string,
  to: string,
  readUntil: (until: string) => Effect.Effect<boolean, E>,
  readToEnd: Effect.Effect<boolean, E>
): Effect.Effect<void, E> =>
  Effect.gen(function* () {
    let [low, high] = [toNanos(from), toNanos(to)]
    for (let left = maxApproaches; left > 0 && high - low > 1n; left--) {
      const middle = (low + high) / 2n
      if (yield* readUntil(fromNanos(middle))) low = middle
      else high = middle
    }
    for (let left = maxFruitless; left > 0; left--) if (yield* readToEnd) left = maxFruitless
  })
