/** Times of a query. */

const rfc3339 = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/

/** Reads an RFC 3339 timestamp as nanoseconds since the epoch; `undefined` for any other text. */
export const parseTime = (text: string): bigint | undefined => {
  const match = rfc3339.exec(text)
  if (match === null) return undefined
  const [, date = "", time = "", fraction = "", zone = ""] = match
  // `Date.parse` takes February 30 for March 2.
  const local = new Date(`${date}T${time}Z`)
  if (Number.isNaN(local.getTime()) || !local.toISOString().startsWith(`${date}T${time}`)) return undefined
  const millis = Date.parse(`${date}T${time}${zone.toUpperCase()}`)
  return Number.isNaN(millis) ? undefined : BigInt(millis) * 1_000_000n + BigInt(fraction.padEnd(9, "0"))
}

const ago = /^(\d{1,9})([smhdw])$/
const seconds: ReadonlyMap<string, number> = new Map([
  ["s", 1],
  ["m", 60],
  ["h", 3600],
  ["d", 86_400],
  ["w", 604_800]
])
const local = /^(\d{4}-\d\d-\d\d)(?:[Tt](\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)?)?$/

/**
 * Reads a time as people write it, in UTC unless it says otherwise, and returns an RFC 3339 timestamp; `undefined` if it is none.
 * `now` is in milliseconds since the epoch.
 */
export const readTime = (text: string, now: number): string | undefined => {
  if (parseTime(text) !== undefined) return text
  const before = ago.exec(text)
  if (before !== null) {
    const time = new Date(now - Number(before[1]) * 1000 * (seconds.get(before[2] ?? "") ?? 0))
    return Number.isNaN(time.getTime()) ? undefined : readTime(time.toISOString(), now)
  }
  const date = local.exec(text)
  if (date === null) return undefined
  const whole = `${date[1]}T${date[2] ?? "00:00"}${date[3] ?? ":00"}Z`
  return parseTime(whole) === undefined ? undefined : whole
}
