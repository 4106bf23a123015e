/** Formats a Unix time as the docker command does, but always in UTC. A time that no calendar has is `unknown`. */
export const createdText = (seconds: number): string => {
  const date = new Date(seconds * 1000)
  if (Number.isNaN(date.getTime())) return "unknown"
  // Years that do not have four digits have a sign and six digits in ISO 8601.
  const [, year = "", rest = ""] = /^([+-]?\d+)(-.{5}T.{8})/.exec(date.toISOString()) ?? []
  const digits = String(Math.abs(Number(year))).padStart(4, "0")
  return `${Number(year) < 0 ? "-" : ""}${digits}${rest.replace("T", " ")} +0000 UTC`
}

/** A time of the engine as a date, or `null` if there is none: drivers that do not know it say nothing, or the year 1. */
export const createdDate = (time: string | undefined): Date | null => {
  const date = new Date(time ?? "")
  return Number.isNaN(date.getTime()) || date.getTime() <= Date.parse("0001-01-01T00:00:00Z") ? null : date
}
