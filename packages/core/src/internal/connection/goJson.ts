/** The end of the object or array that a text begins with, or the length of the text. */
const valueEnd = (text: string): number => {
  let depth = 0
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/gs)) {
    if (token === "{" || token === "[") depth++
    else if (token === "}" || token === "]") {
      depth--
      if (depth === 0) return index + 1
    }
  }
  return text.length
}

/**
 * Parses the first JSON value of a text, as Go's decoder does: what follows it is not read. Throws a `SyntaxError`, which
 * does not quote the text as that of `JSON.parse` does.
 */
export const parseFirstJson = (text: string): unknown => {
  for (const end of [text.length, valueEnd(text)]) {
    try {
      return JSON.parse(text.slice(0, end))
    } catch {
      // What is wrong cannot be told without a quotation.
    }
  }
  throw new SyntaxError("it is not valid JSON")
}

/**
 * A field of a JSON object as Go finds it: its name may be in any case, the last one counts, and `null` is an absent field.
 */
export const goField = (object: object, name: string): unknown => {
  const lowerCase = name.toLowerCase()
  const found = Object.entries(object).findLast(([key]) => key.toLowerCase() === lowerCase)
  return found?.[1] ?? undefined
}

/** Whether a value is a JSON object. */
export const isJsonObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value)
