/** Finds what a query looks for. Has no Effect in it, so that workers and browsers load it quickly. */
import type { LogStream } from "@dockwire/core/LogEvent"
import type { LogLevel } from "@dockwire/core/LogLevel"
import { fieldTest } from "./fields/fieldTest.js"
import { LineFields } from "./fields/lineFields.js"
import { literalTest } from "./expressions/literalText.js"
import type { QueryConditions } from "./QueryConditions.js"
import type { QueryTerm } from "./text/QueryTerm.js"
import { parseTime } from "./text/queryTime.js"
import { literalStrength } from "./expressions/re2Program.js"
import { compileExpression } from "./expressions/searchExpression.js"
import type { LogHit, TextTest } from "./expressions/TextTest.js"

export type { LogHit }

/** A query, ready to run. It takes time linear in the length of a line, whatever the expression. */
export interface LogMatcher {
  /** Whether a line fulfils all conditions but those on sources. `timeNanos` is in nanoseconds since the epoch. */
  readonly matches: (text: string, level: LogLevel, stream: LogStream, timeNanos: bigint) => boolean
  /** Whether the text of a line fulfils all conditions on it. */
  readonly matchesText: (text: string) => boolean
  /** The parts of a line to highlight, in order and apart from each other. */
  readonly hits: (text: string) => ReadonlyArray<LogHit>
  /**
   * The text of each match contains at least one of these, in the same case if `isExact`, else after its ASCII letters have
   * been made lower case. They are then lower case and ASCII themselves. Empty if nothing is known.
   */
  readonly literals: ReadonlyArray<string>
  readonly isExact: boolean
  /** Whether `matchesText` is true for every text. */
  readonly matchesAnyText: boolean
  /** Inclusive, in nanoseconds since the epoch. */
  readonly fromNanos: bigint | undefined
  /** Exclusive. */
  readonly toNanos: bigint | undefined
}

/** A query whose expression does not compile was refused when it was read. */
const never: TextTest = { test: () => false, hits: () => [], literals: [], isExact: true }

const termTest = (term: QueryTerm, caseSensitive: boolean): TextTest => {
  if ("text" in term) return literalTest(term.text, caseSensitive)
  const expression = compileExpression(term.regex)
  return typeof expression === "string" ? never : expression
}

/** Puts hits in order, and makes one of those that overlap. */
const joined = (hits: ReadonlyArray<LogHit>): ReadonlyArray<LogHit> => {
  const found: Array<LogHit> = []
  for (const hit of hits.toSorted((a, b) => a.start - b.start)) {
    const last = found.at(-1)
    if (last === undefined || hit.start >= last.end) found.push(hit)
    else if (hit.end > last.end) found[found.length - 1] = { start: last.start, end: hit.end }
  }
  return found
}

/** Makes the matcher of a query, which has to be one that `LogQuery` accepts. */
const make = (query: QueryConditions): LogMatcher => {
  const { caseSensitive = false, exclude = [], fields = [], include = [], levels, regex, streams, text } = query
  const terms: ReadonlyArray<QueryTerm> = [
    ...(text === undefined ? [] : [{ text }]),
    ...(regex === undefined ? [] : [{ regex }]),
    ...include
  ]
  const needed = terms.map((term) => termTest(term, caseSensitive))
  const unwanted = exclude.map((term) => termTest(term, caseSensitive))
  const conditions = fields.map(fieldTest)

  const matchesText = (line: string): boolean => {
    for (const { test } of needed) if (!test(line)) return false
    for (const { test } of unwanted) if (test(line)) return false
    if (conditions.length === 0) return true
    const values = new LineFields(line)
    for (const { test } of conditions) if (!test(values)) return false
    return true
  }

  const known: ReadonlyArray<Pick<TextTest, "literals" | "isExact">> = [
    ...needed,
    ...conditions.map(({ literal }) => ({ literals: literal === "" ? [] : [literal], isExact: true }))
  ]
  const best = known.reduce(
    (one, other) => (literalStrength(other.literals) > literalStrength(one.literals) ? other : one),
    { literals: [], isExact: true }
  )
  const fromNanos = query.from === undefined ? undefined : parseTime(query.from)
  const toNanos = query.to === undefined ? undefined : parseTime(query.to)
  return {
    matches: (line, level, stream, timeNanos) =>
      (levels === undefined || levels.includes(level)) &&
      (streams === undefined || streams.includes(stream)) &&
      (fromNanos === undefined || timeNanos >= fromNanos) &&
      (toNanos === undefined || timeNanos < toNanos) &&
      matchesText(line),
    matchesText,
    hits: (line) => joined(needed.flatMap(({ hits }) => hits(line))),
    literals: best.literals,
    isExact: best.isExact,
    matchesAnyText: needed.length + unwanted.length + conditions.length === 0,
    fromNanos,
    toNanos
  }
}

/** Makes matchers. */
export const LogMatcher = { make }
