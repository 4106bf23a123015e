/** The time directly behind a timestamp with nine fractional digits, as such a timestamp. */
export const nextNanosecond = (timestamp: string): string => {
  const nanos = Number(timestamp.slice(-10, -1)) + 1
  const second = timestamp.slice(0, -10)
  if (nanos < 1e9) return `${second}${String(nanos).padStart(9, "0")}Z`
  return `${new Date(Date.parse(`${second}000Z`) + 1_000).toISOString().slice(0, 20)}000000000Z`
}
