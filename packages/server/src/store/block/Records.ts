/** Consecutive records of one container, in columns. */
import type { LogPart } from "@dockwire/core/LogEvent"
import { compareTimes } from "./recordTime.js"

/** What the two lowest bits of a record's flags say. */
export const streamOf = { stdout: 0, stderr: 1, mark: 2 } as const
export const streamMask = 3
/** The number of a record's level. */
export const levelShift = 2
export const levelMask = 7
/** Whether the record is a part of a line. */
export const partFlag = 32

/** The last record of a stream: its time, and its place among the records of the stream with the same time. */
export interface LastOfStream {
  seconds: number
  nanos: number
  place: number
}

/**
 * What the records in front say about those that follow. The key of a record is the latest time of all records of the
 * container up to it: it orders them among those of other containers, and never falls, which times do.
 */
export interface StreamState {
  keySeconds: number
  keyNanos: number
  /** By `streamOf`. */
  readonly last: readonly [LastOfStream, LastOfStream, LastOfStream]
}

export const noState = (): StreamState => ({
  // Earlier than the first time there is.
  keySeconds: -1e12,
  keyNanos: 0,
  last: [
    { seconds: -1e12, nanos: 0, place: 0 },
    { seconds: -1e12, nanos: 0, place: 0 },
    { seconds: -1e12, nanos: 0, place: 0 }
  ]
})

export const copyState = ({ keyNanos, keySeconds, last: [stdout, stderr, mark] }: StreamState): StreamState => ({
  keySeconds,
  keyNanos,
  last: [{ ...stdout }, { ...stderr }, { ...mark }]
})

/** Moves a state over a record. Returns the record's place. */
export const advance = (state: StreamState, seconds: number, nanos: number, flags: number): number => {
  if (compareTimes(seconds, nanos, state.keySeconds, state.keyNanos) > 0) {
    state.keySeconds = seconds
    state.keyNanos = nanos
  }
  const stream = flags & streamMask
  const last = state.last[stream === 0 ? 0 : stream === 1 ? 1 : 2]
  last.place = last.seconds === seconds && last.nanos === nanos ? last.place + 1 : 0
  last.seconds = seconds
  last.nanos = nanos
  return last.place
}

/** The columns of records, without their text. */
export interface RecordColumns {
  readonly count: number
  /** In front of the first one. */
  readonly state: StreamState
  readonly seconds: Float64Array
  readonly nanos: Int32Array
  readonly flags: Uint8Array
  /** By index. */
  readonly parts: ReadonlyMap<number, LogPart>
  /** Which of the newlines of the text do not end a record, in ascending order. */
  readonly inner: ReadonlyArray<number>
}

/** Records with their text as UTF-8, a newline between two. */
export interface Records extends RecordColumns {
  readonly text: Buffer
}

/** Where the text of each record ends, in bytes. It starts a byte after the end of the one in front. */
export const textEnds = ({ count, inner, text }: Records): Int32Array => {
  const ends = new Int32Array(count)
  let index = 0
  let ordinal = 0
  let skipped = 0
  for (let at = text.indexOf(10); at !== -1; at = text.indexOf(10, at + 1)) {
    if (inner[skipped] === ordinal++) skipped++
    else ends[index++] = at
  }
  ends[count - 1] = text.length
  return ends
}

/** The same for texts that are still characters. */
export const splitTexts = (texts: string, inner: ReadonlyArray<number>): ReadonlyArray<string> => {
  const pieces = texts.split("\n")
  if (inner.length === 0) return pieces
  const joined: Array<string> = []
  const innerSet = new Set(inner)
  for (const [index, piece] of pieces.entries()) {
    if (index > 0 && innerSet.has(index - 1)) joined[joined.length - 1] += `\n${piece}`
    else joined.push(piece)
  }
  return joined
}

/** Joins records that follow each other. */
export const joinRecords = (pieces: ReadonlyArray<Records>): Records => {
  const [first] = pieces
  if (first === undefined) throw new RangeError("There are no records to join.")
  if (pieces.length === 1) return first
  const count = pieces.reduce((sum, piece) => sum + piece.count, 0)
  const seconds = new Float64Array(count)
  const nanos = new Int32Array(count)
  const flags = new Uint8Array(count)
  const parts = new Map<number, LogPart>()
  const inner: Array<number> = []
  const texts: Array<Uint8Array> = []
  let start = 0
  let newlines = 0
  for (const piece of pieces) {
    seconds.set(piece.seconds, start)
    nanos.set(piece.nanos, start)
    flags.set(piece.flags, start)
    for (const [index, part] of piece.parts) parts.set(start + index, part)
    for (const ordinal of piece.inner) inner.push(newlines + ordinal)
    if (start > 0) texts.push(newline)
    texts.push(piece.text)
    start += piece.count
    newlines += piece.count + piece.inner.length
  }
  return { count, state: first.state, seconds, nanos, flags, parts, inner, text: Buffer.concat(texts) }
}

const newline = Buffer.from("\n")

/** A part of records: from an index, inclusive, to another one, exclusive. */
export const sliceRecords = (records: Records, from: number, to: number, ends: Int32Array): Records => {
  if (from === 0 && to === records.count) return records
  const state = copyState(records.state)
  for (let index = 0; index < from; index++) {
    advance(state, records.seconds[index] ?? 0, records.nanos[index] ?? 0, records.flags[index] ?? 0)
  }
  const start = from === 0 ? 0 : (ends[from - 1] ?? 0) + 1
  const parts = new Map<number, LogPart>()
  for (const [index, part] of records.parts) if (index >= from && index < to) parts.set(index - from, part)
  const text = records.text.subarray(start, ends[to - 1])
  return {
    count: to - from,
    state,
    seconds: records.seconds.slice(from, to),
    nanos: records.nanos.slice(from, to),
    flags: records.flags.slice(from, to),
    parts,
    inner: records.inner.length === 0 ? [] : innerIn(records, start, text),
    text
  }
}

/** The inner newlines of a part of the text. */
const innerIn = ({ inner, text: whole }: Records, start: number, text: Buffer): ReadonlyArray<number> => {
  let skipped = 0
  for (let at = whole.indexOf(10); at !== -1 && at < start; at = whole.indexOf(10, at + 1)) skipped++
  let count = 0
  for (let at = text.indexOf(10); at !== -1; at = text.indexOf(10, at + 1)) count++
  return inner.flatMap((ordinal) => (ordinal >= skipped && ordinal < skipped + count ? [ordinal - skipped] : []))
}
