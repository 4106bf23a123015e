/** Literal texts. */
import type { LogHit, TextTest } from "./TextTest.js"

/** Longer ones take long to search for where a line almost repeats them. */
export const maxLiteralLength = 500

/** The text as an expression of V8. */
export const escapeLiteral = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")

/** All matches of an expression with the flag `g`. */
export const hitsOf = (pattern: RegExp, line: string): ReadonlyArray<LogHit> => {
  const hits: Array<LogHit> = []
  for (const { 0: hit, index } of line.matchAll(pattern)) {
    if (hit !== "") hits.push({ start: index, end: index + hit.length })
  }
  return hits
}

/** The longest run of ASCII, in lower case. Without the flag `u`, ASCII letters match no others in any case. */
const asciiRun = (text: string): string => {
  const runs = text.match(/[\0-\x7f]+/g) ?? []
  return runs.reduce((longest, run) => (run.length > longest.length ? run : longest), "").toLowerCase()
}

/**
 * Whether a line contains a text. Case is Unicode's, one letter for one: `ß` is not `SS`, and the long s and the Kelvin sign are
 * not `s` and `k`.
 */
export const literalTest = (text: string, caseSensitive: boolean): TextTest => {
  const every = new RegExp(escapeLiteral(text), caseSensitive ? "g" : "gi")
  const hits = (line: string) => hitsOf(every, line)
  if (caseSensitive) return { test: (line) => line.includes(text), hits, literals: [text], isExact: true }
  const pattern = new RegExp(every.source, "i")
  const run = asciiRun(text)
  return { test: (line) => pattern.test(line), hits, literals: run === "" ? [] : [run], isExact: false }
}
