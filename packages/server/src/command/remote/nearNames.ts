/** How many characters have to be inserted, removed, replaced or swapped with their neighbor to make one text of the other. */
const distance = (from: string, to: string): number => {
  let before: Array<number> = []
  let last = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1]
      const isSwapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      const costs = [
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
        ...(isSwapped ? [(before[column - 2] ?? 0) + 1] : [])
      ]
      current.push(Math.min(...costs))
    }
    before = last
    last = current
  }
  return last[to.length] ?? 0
}

/** The names, at most three, that somebody may have meant. */
export const nearNames = (given: string, names: Iterable<string>): ReadonlyArray<string> => {
  const wanted = given.toLowerCase()
  return [...new Set(names)]
    .map((name) => {
      const low = name.toLowerCase()
      const isPart = wanted.length > 1 && (low.includes(wanted) || wanted.includes(low))
      return { name, cost: isPart ? 0.5 : distance(wanted, low) }
    })
    .filter(({ cost }) => cost <= Math.max(1, wanted.length / 3))
    .toSorted((a, b) => a.cost - b.cost || (a.name < b.name ? -1 : 1))
    .slice(0, 3)
    .map(({ name }) => name)
}

/** A question about the names that somebody may have meant, with a space before it; empty if there are none. */
export const didYouMean = (given: string, names: Iterable<string>): string => {
  const near = nearNames(given, names)
  return near.length === 0 ? "" : ` Did you mean ${near.join(" or ")}?`
}
