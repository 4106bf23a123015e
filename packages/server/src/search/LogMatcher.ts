/** Finds what a query looks for. Has no Effect in it, so that workers and browsers load it quickly. */
import type { LogStream } from "@dockwire/core/LogEvent"
import type { LogLevel } from "@dockwire/core/LogLevel"
import type { LogQuery } from "./LogQuery.js"
import { parseTime } from "./queryTime.js"

/** A part of a line: from and to an index in its text, the latter exclusive. */
export interface LogHit {
  readonly start: number
  readonly end: number
}

/** The conditions of a query. A `LogQuery`, or what a structured clone or JSON keeps of it. */
export type QueryConditions = Pick<
  LogQuery,
  "text" | "caseSensitive" | "regex" | "include" | "exclude" | "streams" | "levels" | "from" | "to" | "fields"
>

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
  /** Inclusive, in nanoseconds since the epoch. */
  readonly fromNanos: bigint | undefined
  /** Exclusive. */
  readonly toNanos: bigint | undefined
}

const escape = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")

/** The longest run of ASCII, in lower case: its letters match no others. */
const asciiRun = (text: string): string => {
  const runs = text.toLowerCase().match(/[\0-\x7f]+/g) ?? []
  return runs.reduce((longest, run) => (run.length > longest.length ? run : longest), "")
}

/** Makes a matcher for a query. */
const make = (query: QueryConditions): LogMatcher => {
  const { caseSensitive = false, exclude, levels, streams, text } = query
  const contains = (literal: string): ((line: string) => boolean) => {
    if (caseSensitive) return (line) => line.includes(literal)
    const pattern = new RegExp(escape(literal), "i")
    return (line) => pattern.test(line)
  }
  const needed = text === undefined ? [] : [contains(text)]
  const unwanted = (exclude ?? []).flatMap((term) => ("text" in term ? [contains(term.text)] : []))
  const matchesText = (line: string): boolean => {
    for (const test of needed) if (!test(line)) return false
    for (const test of unwanted) if (test(line)) return false
    return true
  }
  const literal = text === undefined ? "" : caseSensitive ? text : asciiRun(text)
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
    hits: (line) => {
      if (text === undefined) return []
      const pattern = new RegExp(escape(text), caseSensitive ? "g" : "gi")
      return Array.from(line.matchAll(pattern), ({ 0: hit, index }) => ({ start: index, end: index + hit.length }))
    },
    literals: literal === "" ? [] : [literal],
    isExact: caseSensitive,
    fromNanos,
    toNanos
  }
}

/** Makes the matcher of a query. */
export const LogMatcher = { make }
