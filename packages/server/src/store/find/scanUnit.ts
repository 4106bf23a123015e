/** Finds the lines of a unit that a query matches. */
import type { LogMatcher } from "../../search/LogMatcher.js"
import type { QueryConditions } from "../../search/QueryConditions.js"
import {
  levelMask,
  levelShift,
  type RecordColumns,
  type Records,
  streamMask,
  streamOf,
  textEnds
} from "../block/Records.js"
import { literalGrams, mayContain } from "../block/grams.js"
import { nanosOf } from "../block/recordTime.js"
import { levelNumber, storedLevels } from "../block/storedLevels.js"
import { recordText } from "../read/renderRecords.js"
import type { Unit, Units } from "../read/Units.js"

/** A query, ready for units. */
export interface Scan {
  readonly matcher: LogMatcher
  /** Whether it has no condition on texts. */
  readonly anyText: boolean
  readonly literals: ReadonlyArray<Literal>
  /** A bit for each level and each stream that it takes. */
  readonly levels: number
  readonly streams: number
  readonly isTimed: boolean
  readonly fromSeconds: number
  readonly toSeconds: number
}

interface Literal {
  readonly bytes: Buffer
  readonly grams: Int32Array
  /** Finds it in either case, in a text of bytes. */
  readonly pattern: RegExp | undefined
}

const escapePattern = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")

const all = 0xff

/** Prepares a query. */
export const makeScan = (matcher: LogMatcher, query: QueryConditions): Scan => {
  const { exclude, fields, include, levels, regex, streams, text } = query
  const { fromNanos, isExact, toNanos } = matcher
  const seconds = (nanos: bigint) => Number(nanos / 1_000_000_000n)
  return {
    matcher,
    anyText: [text, regex, include, exclude, fields].every((condition) => condition === undefined),
    literals: matcher.literals.map((literal) => ({
      bytes: Buffer.from(literal),
      grams: literalGrams(literal),
      pattern: isExact ? undefined : new RegExp(escapePattern(literal), "gi")
    })),
    levels: levels === undefined ? all : levels.reduce((bits, level) => bits | (1 << levelNumber(level)), 0),
    streams: streams === undefined ? all : streams.reduce((bits, stream) => bits | (1 << streamOf[stream]), 0),
    isTimed: fromNanos !== undefined || toNanos !== undefined,
    // Rounded towards zero: a second more on each side.
    fromSeconds: fromNanos === undefined ? -1e13 : seconds(fromNanos) - 1,
    toSeconds: toNanos === undefined ? 1e13 : seconds(toNanos) + 1
  }
}

/** Whether a unit may have matches, by what is known without reading it. */
export const mayMatch = (scan: Scan, { levels, maxSeconds, minSeconds, streams }: Unit): boolean =>
  maxSeconds >= scan.fromSeconds &&
  minSeconds <= scan.toSeconds &&
  (streams & scan.streams & 3) !== 0 &&
  (scan.levels === all || levels.some((count, level) => count > 0 && (scan.levels & (1 << level)) !== 0))

const excludedByGrams = ({ literals }: Scan, units: Units, unit: Unit): boolean => {
  if (literals.length === 0 || literals.some(({ grams }) => grams.length === 0)) return false
  const bitmap = units.grams(unit)
  if (bitmap === undefined || bitmap.length === 0) return false
  return literals.every(({ grams }) => !mayContain(bitmap, grams))
}

/** The index of the record with a byte of the text. */
const recordAt = (ends: Int32Array, offset: number): number => {
  let low = 0
  let high = ends.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ends[middle] ?? 0) < offset) low = middle + 1
    else high = middle
  }
  return low
}

/** Adds the index of each record with the literal. */
const findLiteral = ({ bytes, pattern }: Literal, text: Buffer, ends: Int32Array, found: Set<number>): void => {
  if (pattern === undefined) {
    for (let at = text.indexOf(bytes); at !== -1;) {
      const index = recordAt(ends, at)
      found.add(index)
      at = text.indexOf(bytes, (ends[index] ?? text.length) + 1)
    }
    return
  }
  // A character for each byte: the literal is ASCII.
  const characters = text.toString("latin1")
  pattern.lastIndex = 0
  for (let match = pattern.exec(characters); match !== null; match = pattern.exec(characters)) {
    const index = recordAt(ends, match.index)
    found.add(index)
    pattern.lastIndex = (ends[index] ?? text.length) + 1
  }
}

/** The records that may match, by their text, in ascending order. `undefined`: all. */
const candidates = ({ literals }: Scan, text: Buffer, ends: Int32Array): ReadonlyArray<number> | undefined => {
  if (literals.length === 0) return undefined
  const found = new Set<number>()
  for (const literal of literals) findLiteral(literal, text, ends, found)
  return [...found].toSorted((a, b) => a - b)
}

/** So many records are looked at before something else may happen in the thread. */
const pause = 1_000

const passes = (scan: Scan, { flags }: RecordColumns, index: number): boolean => {
  const flag = flags[index] ?? 0
  const stream = flag & streamMask
  return (
    stream !== streamOf.mark &&
    (scan.streams & (1 << stream)) !== 0 &&
    (scan.levels & (1 << ((flag >> levelShift) & levelMask))) !== 0
  )
}

/** What was found in a unit: indexes in ascending order. */
export interface Found {
  readonly records: Records
  readonly ends: Int32Array
  readonly indexes: ReadonlyArray<number>
}

/** Whether the text has one of the literals. */
const hasLiteral = ({ literals }: Scan, text: Buffer): boolean =>
  literals.some(({ bytes, pattern }) => {
    if (pattern === undefined) return text.includes(bytes)
    pattern.lastIndex = 0
    return pattern.test(text.toString("latin1"))
  })

/** The records of a unit; `undefined` if they are no longer kept, or the text shows that nothing of them matches. */
const load = (scan: Scan, units: Units, unit: Unit): Records | undefined => {
  if (scan.literals.length === 0) return units.records(unit)
  const text = units.text(unit)
  if (text === undefined) return units.records(unit)
  // Most texts have none: their columns are not needed.
  const columns = hasLiteral(scan, text) ? units.columns(unit) : undefined
  return columns === undefined ? undefined : { ...columns, text }
}

/** Scans a unit, with pauses. Returns `undefined` if nothing of it matches. Throws if it is damaged. */
export function* scanUnit(scan: Scan, units: Units, unit: Unit): Generator<void, Found | undefined> {
  if (excludedByGrams(scan, units, unit)) return undefined
  const records = load(scan, units, unit)
  if (records === undefined) return undefined
  const { flags, nanos, seconds, text } = records
  const ends = textEnds(records)
  const chosen = candidates(scan, text, ends)
  const indexes: Array<number> = []
  const count = chosen?.length ?? records.count
  for (let place = 0; place < count; place++) {
    if (place % pause === pause - 1) yield
    const index = chosen?.[place] ?? place
    if (!passes(scan, records, index)) continue
    const flag = flags[index] ?? 0
    const level = storedLevels[(flag >> levelShift) & levelMask] ?? "unknown"
    const stream = (flag & streamMask) === streamOf.stderr ? "stderr" : "stdout"
    const time = scan.isTimed ? nanosOf(seconds[index] ?? 0, nanos[index] ?? 0) : 0n
    const line = scan.anyText ? "" : recordText(text, ends, index)
    if (scan.matcher.matches(line, level, stream, time)) indexes.push(index)
  }
  return indexes.length === 0 ? undefined : { records, ends, indexes }
}
