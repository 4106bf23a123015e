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

/** The first and last second that have a timestamp: those of the years 0 to 9999. */
const [minSeconds, maxSeconds] = [-62_167_219_200, 253_402_300_799]

/** Whether the date exists. `Date.parse` takes February 30 for March 2. */
const isCalendarDate = (local: string): boolean => {
  const text = `${local}Z`.toUpperCase()
  const date = new Date(text)
  return !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 19) === text.slice(0, 19)
}

const parse = (time: string): EpochTime | undefined => {
  const number = unix.exec(time)
  if (number !== null) return { seconds: Number(number[1]), nanos: (number[2] ?? "").padEnd(9, "0") }
  const date = rfc3339.exec(time)
  const millis = date === null ? Number.NaN : Date.parse(`${date[1]}${date[3]}`.toUpperCase())
  if (date === null || Number.isNaN(millis) || !isCalendarDate(date[1] ?? "")) return undefined
  const seconds = millis / 1000
  // The offset may move a date out of the range.
  if (seconds < minSeconds || seconds > maxSeconds) return undefined
  return { seconds, nanos: (date[2] ?? "").padEnd(9, "0") }
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

const second = 1_000_000_000n
const [minNanos, maxNanos] = [BigInt(minSeconds) * second, BigInt(maxSeconds) * second + second - 1n]

/** Limits nanoseconds since the epoch to the times that have a timestamp. */
export const boundNanos = (nanos: bigint): bigint => (nanos < minNanos ? minNanos : nanos > maxNanos ? maxNanos : nanos)

/** Converts nanoseconds since the epoch to a normalized timestamp. */
export const nanosTimestamp = (nanos: bigint): string => {
  const bounded = boundNanos(nanos)
  const fraction = ((bounded % second) + second) % second
  return format({ seconds: Number((bounded - fraction) / second), nanos: String(fraction).padStart(9, "0") })
}

/** Converts milliseconds since the epoch to a normalized timestamp. */
export const millisTimestamp = (millis: number): string =>
  nanosTimestamp(Number.isFinite(millis) ? BigInt(Math.floor(millis)) * 1_000_000n : 0n)

/** Converts seconds since the epoch to nanoseconds; `undefined` if that is not a number. */
export const secondsNanos = (seconds: number): bigint | undefined => {
  const whole = Math.floor(seconds)
  return Number.isFinite(seconds)
    ? boundNanos(BigInt(whole) * second + BigInt(Math.floor((seconds - whole) * 1e9)))
    : undefined
}

/** When a response was sent by the engine's clock, in milliseconds since the epoch, rounded down to seconds. */
export const responseMillis = (headers: Readonly<Record<string, string>> | undefined): number | undefined => {
  const date = headers?.["date"]
  const millis = date === undefined ? Number.NaN : Date.parse(date)
  return Number.isNaN(millis) ? undefined : millis
}
