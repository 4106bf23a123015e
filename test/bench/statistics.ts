const ascending = (values: ReadonlyArray<number>) => [...values].sort((a, b) => a - b)

/** The quantile at `rank` (0 to 1). NaN without values. */
export const quantile = (values: ReadonlyArray<number>, rank: number): number => {
  const sorted = ascending(values)
  const index = Math.min(sorted.length - 1, Math.max(0, Math.ceil(rank * sorted.length) - 1))
  return sorted[index] ?? Number.NaN
}

/** The median. */
export const median = (values: ReadonlyArray<number>): number => {
  const sorted = ascending(values)
  const upper = sorted[sorted.length >> 1] ?? Number.NaN
  const lower = sorted[(sorted.length - 1) >> 1] ?? Number.NaN
  return (upper + lower) / 2
}

/** The ratios of two series, round by round. */
export const ratios = (above: ReadonlyArray<number>, below: ReadonlyArray<number>): ReadonlyArray<number> =>
  above.flatMap((value, index) => {
    const divisor = below[index]
    return divisor === undefined ? [] : [value / divisor]
  })
