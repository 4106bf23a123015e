import { usageFailure } from "../CommandFailure.js"

const units = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400 } as const

const isUnit = (text: string): text is keyof typeof units => Object.hasOwn(units, text)

/** The seconds of a duration such as `1h30m`. `undefined` if the text is none. */
const durationSeconds = (text: string): number | undefined => {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return undefined
  let seconds = 0
  for (const [, amount = "0", unit = ""] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)) {
    if (isUnit(unit)) seconds += Number(amount) * units[unit]
  }
  return seconds
}

/** What the server takes for a time: RFC 3339 or seconds since the epoch, as they are. */
const wirePattern = /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d([.,]\d{1,9})?([Zz]|[+-]\d\d:\d\d)|\d{1,12}(\.\d{1,9})?)$/

/** A time without an offset is one of this machine. */
const localPattern = /^\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?)?$/

/** The time of a flag, as the server takes it. */
export const logTime = (flag: string, text: string | undefined, now = Date.now()): string | undefined => {
  if (text === undefined) return undefined
  const ago = durationSeconds(text)
  if (ago !== undefined) return Math.max(0, now / 1000 - ago).toFixed(3)
  if (wirePattern.test(text)) return text
  // A date alone would be taken for one in UTC.
  const local = localPattern.test(text)
    ? new Date(text.length === 10 ? `${text}T00:00` : text.replace(" ", "T"))
    : undefined
  if (local !== undefined && !Number.isNaN(local.getTime())) return local.toISOString()
  throw usageFailure(
    `Invalid --${flag} ${JSON.stringify(text)}. Pass a time such as 2026-01-31T12:00:00Z or 2026-01-31, or how long ago: 90s, 10m, 2h30m, 3d.`
  )
}
