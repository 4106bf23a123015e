const parts = (text: string): ReadonlyArray<string> => text.match(/\d+|\D/gu) ?? []

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const isNumber = (part: string): boolean => /^\d/.test(part)

const compareNumbers = (a: string, b: string): number => {
  const [left, right] = [a.replace(/^0+/, ""), b.replace(/^0+/, "")]
  // Of equal numbers, the one with fewer zeros before it comes first.
  return left.length - right.length || compareText(left, right) || a.length - b.length
}

/** Compares names as the docker command sorts them: numbers by their value, and before everything else. */
export const naturalOrder = (a: string, b: string): number => {
  const [left, right] = [parts(a), parts(b)]
  for (const [index, part] of left.entries()) {
    const other = right[index]
    if (other === undefined) return 1
    const order =
      isNumber(part) !== isNumber(other)
        ? isNumber(part)
          ? -1
          : 1
        : isNumber(part)
          ? compareNumbers(part, other)
          : compareText(part, other)
    if (order !== 0) return order
  }
  return left.length - right.length
}
