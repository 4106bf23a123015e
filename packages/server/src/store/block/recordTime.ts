/**
 * Times with nanoseconds, as seconds and the nanoseconds in them: a number does not hold both exactly, and a `BigInt` for each
 * line is slow.
 */

/** Of a normalized timestamp: `2026-01-31T12:00:00.123456789Z`. */
const length = 30

let knownText = ""
let knownSeconds = 0

/** The seconds of the time in a timestamp. Those of one second follow each other. */
const secondsOf = (text: string): number => {
  if (text !== knownText) {
    knownSeconds = Date.parse(`${text}Z`) / 1000
    knownText = text
  }
  return knownSeconds
}

/** Reads a timestamp into two arrays. Returns whether it is one. */
export const writeTime = (timestamp: string, seconds: Float64Array, nanos: Int32Array, index: number): boolean => {
  if (timestamp.length !== length || timestamp[length - 1] !== "Z") return false
  const second = secondsOf(timestamp.slice(0, 19))
  let fraction = 0
  for (let place = 20; place < 29; place++) {
    const digit = timestamp.charCodeAt(place) - 48
    if (!(digit >= 0 && digit <= 9)) return false
    fraction = fraction * 10 + digit
  }
  seconds[index] = second
  nanos[index] = fraction
  return !Number.isNaN(second)
}

let formattedSeconds = Number.NaN
let formatted = ""

/** The normalized timestamp of a time. */
export const timestampOf = (seconds: number, nanos: number): string => {
  if (seconds !== formattedSeconds) {
    formatted = new Date(seconds * 1000).toISOString().slice(0, 20)
    formattedSeconds = seconds
  }
  return `${formatted.slice(0, 19)}.${String(nanos).padStart(9, "0")}Z`
}

/** Below 0 if the first time is earlier, above 0 if it is later. */
export const compareTimes = (seconds: number, nanos: number, otherSeconds: number, otherNanos: number): number =>
  seconds === otherSeconds ? nanos - otherNanos : seconds - otherSeconds

/** Nanoseconds since the epoch. */
export const nanosOf = (seconds: number, nanos: number): bigint => BigInt(seconds) * 1_000_000_000n + BigInt(nanos)
