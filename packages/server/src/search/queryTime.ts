/** Times of a query, in nanoseconds since the epoch. */

const rfc3339 = /^(\d{4}-\d\d-\d\d)(?:[Tt](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?([Zz]|[+-]\d\d:\d\d))$/

/** Reads an RFC 3339 timestamp; `undefined` for any other text. */
export const parseTime = (text: string): bigint | undefined => {
  const match = rfc3339.exec(text)
  if (match === null) return undefined
  const [, date = "", time = "", fraction = "", zone = ""] = match
  // `Date.parse` takes February 30 for March 2.
  const local = new Date(`${date}T${time}Z`)
  if (Number.isNaN(local.getTime()) || !local.toISOString().startsWith(`${date}T${time}`)) return undefined
  const millis = Date.parse(`${date}T${time}${zone.toUpperCase()}`)
  if (Number.isNaN(millis)) return undefined
  return BigInt(millis) * 1_000_000n + BigInt(fraction.padEnd(9, "0"))
}
