import { nanosTimestamp } from "../../internal/api/engineTime.js"

/** Go's zero time, which the engine sends for a time that was never set. */
export const zeroTime = "0001-01-01T00:00:00Z"

/** Formats a time as Go's `time.RFC3339Nano` does, without trailing zeros. */
export const rfc3339Nano = (nanos: bigint): string => nanosTimestamp(nanos).replace(/\.?0+Z$/, "Z")

/**
 * Parses `since` and `until` of a query: seconds since the epoch with up to nine decimals, as nanoseconds. `undefined` when
 * the parameter is missing, empty or `0`.
 */
export const parseUnixTimestamp = (text: string | undefined): bigint | undefined | "invalid" => {
  if (text === undefined || text === "" || text === "0") return undefined
  const parts = /^(-?\d+)(?:\.(\d+))?$/.exec(text)
  return parts === null
    ? "invalid"
    : BigInt(parts[1] ?? "0") * 1_000_000_000n + BigInt((parts[2] ?? "").slice(0, 9).padEnd(9, "0"))
}

const unitNanos: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  "\u00b5s": 1e3,
  ms: 1e6,
  s: 1e9,
  m: 6e10,
  h: 3.6e12
}

const goDuration = /^[+-]?((\d+(\.\d*)?|\.\d+)(ns|us|\u00b5s|ms|s|m|h))+$/
const durationTerm = /(\d+(?:\.\d*)?|\.\d+)(ns|us|\u00b5s|ms|s|m|h)/g
const isoDate = /^\d{4}-\d\d-\d\d(T\d\d(:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:\d\d)?)?$/

/**
 * Parses the value of an `until` filter, as nanoseconds since the epoch: a Go duration before `now` (`1h30m`), a date with or
 * without a time, or seconds since the epoch. `undefined` when it is none of them.
 */
export const parseTimestampOrDuration = (text: string, now: bigint): bigint | undefined => {
  if (goDuration.test(text)) {
    const terms = [...text.matchAll(durationTerm)]
    const nanos = terms.reduce((sum, [, amount, unit = ""]) => sum + Number(amount) * (unitNanos[unit] ?? 0), 0)
    return now - (text.startsWith("-") ? -1n : 1n) * BigInt(Math.round(nanos))
  }
  const unix = parseUnixTimestamp(text)
  if (unix !== undefined && unix !== "invalid") return unix
  const millis = isoDate.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(millis) ? undefined : BigInt(millis) * 1_000_000n
}
