import * as Either from "effect/Either"
import { InvalidRequest } from "../../DockerError.js"

/** A moment: RFC 3339 with up to nine fractional digits, seconds since the epoch with as many, or a `Date`. */
export type LogTime = string | Date

/** `sec.nnnnnnnnn` since the epoch, as the engine takes it, with its seconds apart so that no digit is lost in a number. */
interface Moment {
  readonly seconds: number
  readonly nanos: string
}

const rfc3339 = /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/
const unix = /^(\d{1,12})(?:\.(\d{1,9}))?$/

/** `Date.parse` takes the 30th of February for the 2nd of March. */
const isOfCalendar = (local: string): boolean => {
  const text = `${local}Z`.toUpperCase()
  return new Date(text).toISOString().slice(0, 19) === text.slice(0, 19)
}

const parse = (time: string): Moment | undefined => {
  const number = unix.exec(time)
  if (number !== null) return { seconds: Number(number[1]), nanos: (number[2] ?? "").padEnd(9, "0") }
  const date = rfc3339.exec(time)
  const millis = date === null ? Number.NaN : Date.parse(`${date[1]}${date[3]}`.toUpperCase())
  if (date === null || Number.isNaN(millis) || !isOfCalendar(date[1] ?? "")) return undefined
  return { seconds: millis / 1000, nanos: (date[2] ?? "").padEnd(9, "0") }
}

const format = ({ nanos, seconds }: Moment): string =>
  `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${nanos}Z`

/** A timestamp of the engine in the one form in which order of text is order of time; `undefined` if it is none. */
export const logTimestamp = (time: string): string | undefined => {
  const moment = rfc3339.test(time) ? parse(time) : undefined
  return moment === undefined ? undefined : format(moment)
}

/** A moment as the engine's `since` and `until` take it. */
export const engineTime = (field: string, time: string | Date): Either.Either<string, InvalidRequest> => {
  const moment =
    typeof time === "string" ? parse(time) : Number.isNaN(time.getTime()) ? undefined : parse(time.toISOString())
  return moment === undefined
    ? Either.left(
        new InvalidRequest({
          field,
          value: String(time),
          detail: "give RFC 3339 (2026-01-31T12:00:00.123456789Z) or seconds since the epoch (1769860800.5)"
        })
      )
    : Either.right(`${moment.seconds}.${moment.nanos}`)
}

/** A canonical timestamp as the engine's `since` and `until` take it, moved by whole milliseconds. */
export const engineTimeOf = (timestamp: string, shiftMillis = 0): string => {
  const moment = parse(timestamp) ?? { seconds: 0, nanos: "000000000" }
  if (shiftMillis === 0) return `${moment.seconds}.${moment.nanos}`
  const millis = moment.seconds * 1000 + Number(moment.nanos.slice(0, 3)) + shiftMillis
  return `${Math.floor(millis / 1000)}.${String(((millis % 1000) + 1000) % 1000).padStart(3, "0")}${moment.nanos.slice(3)}`
}

/** Milliseconds since the epoch. */
export const timestampMillis = (timestamp: string): number => Date.parse(timestamp)

/** The moment of an engine's time, in milliseconds since the epoch. */
export const engineTimeMillis = (time: string): number => Number(time) * 1000

/** The moment of an engine's time, in nanoseconds since the epoch. */
export const engineTimeNanos = (time: string): bigint => BigInt(time.replace(".", ""))

/** Nanoseconds since the epoch as a canonical timestamp. */
export const nanosTimestamp = (nanos: bigint): string =>
  format({ seconds: Number(nanos / 1_000_000_000n), nanos: String(nanos % 1_000_000_000n).padStart(9, "0") })
