const ascending = (values: ReadonlyArray<number>) => [...values].sort((a, b) => a - b)

/** The value below which the share `rank` (0 to 1) of all values lies; not a number where there are none. */
export const quantile = (values: ReadonlyArray<number>, rank: number): number => {
  const sorted = ascending(values)
  const index = Math.min(sorted.length - 1, Math.max(0, Math.ceil(rank * sorted.length) - 1))
  return sorted[index] ?? Number.NaN
}

/** The middle value, or the mean of the two in the middle. */
export const median = (values: ReadonlyArray<number>): number => {
  const sorted = ascending(values)
  const upper = sorted[sorted.length >> 1] ?? Number.NaN
  const lower = sorted[(sorted.length - 1) >> 1] ?? Number.NaN
  return (upper + lower) / 2
}

/** Divides round by round: what was measured side by side is compared side by side. */
export const ratios = (above: ReadonlyArray<number>, below: ReadonlyArray<number>): ReadonlyArray<number> =>
  above.flatMap((value, index) => {
    const divisor = below[index]
    return divisor === undefined ? [] : [value / divisor]
  })
