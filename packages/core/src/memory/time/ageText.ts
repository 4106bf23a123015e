const plural = (count: number, unit: string) => `${count} ${unit}${count === 1 ? "" : "s"}`

/** A duration in the words of `docker ps`: from 48 hours on it says no more than that many days, weeks, months or years. */
export const ageText = (nanos: bigint): string => {
  const seconds = Number(nanos / 1_000_000_000n)
  if (seconds < 1) return "Less than a second"
  if (seconds < 60) return plural(seconds, "second")
  const minutes = Math.floor(seconds / 60)
  if (minutes === 1) return "About a minute"
  if (minutes < 60) return `${minutes} minutes`
  const hours = Math.round(minutes / 60)
  if (hours === 1) return "About an hour"
  if (hours < 48) return `${hours} hours`
  if (hours < 24 * 14) return `${Math.floor(hours / 24)} days`
  if (hours < 24 * 60) return `${Math.floor(hours / 24 / 7)} weeks`
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`
  // Of years, hours are not rounded first, as docker does not.
  return `${Math.floor(seconds / 3600 / 24 / 365)} years`
}
