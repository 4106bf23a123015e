const two = (value: number): string => (value < 10 ? `0${value}` : String(value))

/** Formats a Unix time as the docker command does, but always in UTC. A time that no calendar has is `unknown`. */
export const createdText = (seconds: number): string => {
  const date = new Date(seconds * 1000)
  if (Number.isNaN(date.getTime())) return "unknown"
  const year = date.getUTCFullYear()
  const digits = `${year < 0 ? "-" : ""}${String(Math.abs(year)).padStart(4, "0")}`
  const day = `${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`
  // Half as long as it takes to write and to read ISO 8601.
  return `${digits}-${day} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000 UTC`
}

/** A time of the engine as a date, or `null` if there is none: drivers that do not know it say nothing, or the year 1. */
export const createdDate = (time: string | undefined): Date | null => {
  const date = new Date(time ?? "")
  return Number.isNaN(date.getTime()) || date.getTime() <= Date.parse("0001-01-01T00:00:00Z") ? null : date
}
