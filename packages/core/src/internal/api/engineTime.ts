import * as Either from "effect/Either"
import { InvalidRequest } from "../../DockerError.js"

/**
 * A point in time: an RFC 3339 timestamp or seconds since the epoch, each with up to nine fractional digits, or a
 * `Date`.
 *
 * @since 0.1.0
 * @category models
 */
export type LogTime = string | Date

/** Seconds and nanoseconds since the epoch, kept apart because a single number cannot hold both exactly. */
interface EpochTime {
  readonly seconds: number
  readonly nanos: string
}

const rfc3339 = /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/
const unix = /^(\d{1,12})(?:\.(\d{1,9}))?$/

/** Whether the date exists. `Date.parse` takes February 30 for March 2. */
const isCalendarDate = (local: string): boolean => {
  const text = `${local}Z`.toUpperCase()
  return new Date(text).toISOString().slice(0, 19) === text.slice(0, 19)
}

const parse = (time: string): EpochTime | undefined => {
  const number = unix.exec(time)
  if (number !== null) return { seconds: Number(number[1]), nanos: (number[2] ?? "").padEnd(9, "0") }
  const date = rfc3339.exec(time)
  const millis = date === null ? Number.NaN : Date.parse(`${date[1]}${date[3]}`.toUpperCase())
  if (date === null || Number.isNaN(millis) || !isCalendarDate(date[1] ?? "")) return undefined
  return { seconds: millis / 1000, nanos: (date[2] ?? "").padEnd(9, "0") }
}

const format = ({ nanos, seconds }: EpochTime): string =>
  `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${nanos}Z`

/**
 * Normalizes an RFC 3339 timestamp to UTC with nine fractional digits, so that timestamps sort as text. Returns
 * `undefined` if it is not valid.
 */
export const normalizeTimestamp = (time: string): string | undefined => {
  const parsed = rfc3339.test(time) ? parse(time) : undefined
  return parsed === undefined ? undefined : format(parsed)
}

/**
 * Converts a point in time to the engine's `since` and `until` format: seconds since the epoch with nine fractional
 * digits.
 */
export const parseEngineTime = (field: string, time: string | Date): Either.Either<string, InvalidRequest> => {
  const parsed =
    typeof time === "string" ? parse(time) : Number.isNaN(time.getTime()) ? undefined : parse(time.toISOString())
  return parsed === undefined
    ? Either.left(
        new InvalidRequest({
          field,
          value: String(time),
          detail:
            "must be an RFC 3339 timestamp (2026-01-31T12:00:00.123456789Z) or seconds since the epoch (1769860800.5)"
        })
      )
    : Either.right(`${parsed.seconds}.${parsed.nanos}`)
}

/** Converts a normalized timestamp to the engine's `since` and `until` format, shifted by whole milliseconds. */
export const toEngineTime = (timestamp: string, shiftMillis = 0): string => {
  const parsed = parse(timestamp) ?? { seconds: 0, nanos: "000000000" }
  if (shiftMillis === 0) return `${parsed.seconds}.${parsed.nanos}`
  const millis = parsed.seconds * 1000 + Number(parsed.nanos.slice(0, 3)) + shiftMillis
  return `${Math.floor(millis / 1000)}.${String(((millis % 1000) + 1000) % 1000).padStart(3, "0")}${parsed.nanos.slice(3)}`
}

/** Converts a timestamp to milliseconds since the epoch. */
export const timestampMillis = (timestamp: string): number => Date.parse(timestamp)

/** Converts the engine's `since` and `until` format to milliseconds since the epoch. */
export const engineTimeMillis = (time: string): number => Number(time) * 1000

/** Converts the engine's `since` and `until` format to nanoseconds since the epoch. */
export const engineTimeNanos = (time: string): bigint => BigInt(time.replace(".", ""))

/** Converts nanoseconds since the epoch to a normalized timestamp. */
export const nanosTimestamp = (nanos: bigint): string =>
  format({ seconds: Number(nanos / 1_000_000_000n), nanos: String(nanos % 1_000_000_000n).padStart(9, "0") })
