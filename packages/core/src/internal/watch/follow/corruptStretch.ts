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

/** How many records to look for in front of those that could be read, as long as there are any, and how often in all. */
const furtherRecords = [64, 16, 4, 1, 4, 1]
const maxFurther = 24

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
    /** How many requests there were since the last response that could be read, and how many records are written meanwhile. */
    let requests = 0
    let writtenPerRequest = 0
    const take = ({ copies, firstTimestamp, identities }: LastRecords) => {
      const end = best.last === undefined ? -1 : identities.lastIndexOf(best.last)
      const written = end < 0 ? 0 : identities.length - 1 - end
      writtenPerRequest = written / requests
      requests = 0
      const reachesAsFar = best.first === undefined || identities.includes(best.first)
      const [first, last] = [identities[0], identities.at(-1)]
      best =
        reachesAsFar || end < 0
          ? { records: identities.length, first, firstTimestamp, last, copies, isReached: isReached(identities) }
          : {
              // The log has grown by more than was asked for in addition, so what was found before begins earlier.
              ...best,
              records: best.records + written,
              last,
              copies: best.copies && copies && [...best.copies, ...copies.slice(end + 1)]
            }
    }
    /** Whether the last `tail` records can be read. A response that ends early may have lost its error. */
    const isReadable = (tail: number) =>
      Effect.map(lastRecords(tail), (response) => {
        requests++
        if (response.hasFailed || response.identities.length < tail) return false
        take(response)
        return true
      })
    let tail = 1
    while (tail <= maxRecords && (yield* isReadable(tail)) && !best.isReached) tail *= 2
    let unreadable = tail
    while (!best.isReached && unreadable - best.records > 1) {
      const middle = Math.floor((best.records + unreadable) / 2)
      if (!(yield* isReadable(middle))) unreadable = middle
    }
    // Meanwhile the log has grown, so that more of the last records can be read. It may grow by as many again.
    let index = 0
    for (let left = maxFurther; left > 0 && !best.isReached; left--) {
      const further = furtherRecords[index]
      if (further === undefined) break
      const written = Math.floor(writtenPerRequest * (requests + 1))
      if (!(yield* isReadable(best.records + written + further))) index++
    }
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
