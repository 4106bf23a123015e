/** The normalized timestamp of a time in nanoseconds since the epoch. */
export const isoTimestamp = (nanos: bigint): string => {
  const seconds = nanos / 1_000_000_000n
  const fraction = String(nanos % 1_000_000_000n).padStart(9, "0")
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${fraction}Z`
}
