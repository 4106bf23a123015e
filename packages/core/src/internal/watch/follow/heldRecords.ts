import type { LogStream } from "../../../LogEvent.js"
import { mayBePiece } from "../../logs/recordIdentity.js"

const newline = 0x0a

/** From this many bytes on, the live stream should wait. */
const fullBytes = 4 * 1024 * 1024

/** The most bytes to hold of a log that can no longer be read. When there are more, the older half is dropped. */
const maxBytes = 2 * fullBytes

/** A copy of a record: `bytes[start, end)`, including the timestamp. Other records may be next to it. */
export interface LogRecord {
  readonly stream: LogStream
  readonly timestamp: string
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

const isLine = ({ bytes, end }: LogRecord): boolean => bytes[end - 1] === newline

/** The most bytes to copy records to at a time. */
const maxBlock = 64 * 1024

/** A record of a live stream that was not delivered. */
export interface HeldRecord extends LogRecord {
  readonly identity: number
  /** Whether it follows directly on the one in front of it. */
  readonly isContiguous: boolean
}

/** The fewest records between two gaps. */
const shortestRun = 50

/** Consecutive records, with one gap in front of them. */
export interface HeldStretch {
  readonly records: ReadonlyArray<HeldRecord>
  /** The timestamp that the gap goes to, because more records may be missing up to there. */
  readonly gapTo: string
}

/**
 * Divides records into stretches. Where records may be missing in so many places that there would be more gaps than lines,
 * one gap spans them all.
 */
export const stretches = (records: ReadonlyArray<HeldRecord>): ReadonlyArray<HeldStretch> => {
  const found: Array<HeldStretch> = []
  let isUncertain = false
  for (let start = 0, end = 0; start < records.length; start = end) {
    end = start + 1
    while (records[end]?.isContiguous === true) end++
    const run = records.slice(start, end)
    const isShort = run.length < shortestRun
    const last = isUncertain && isShort ? found.pop() : undefined
    const whole = last === undefined ? run : [...last.records, ...run]
    found.push({ records: whole, gapTo: (isShort ? whole.at(-1) : whole[0])?.timestamp ?? "" })
    isUncertain = isShort
  }
  return found
}

/** Leaves out what the engine sent again, as it does with the last records where it rotates a log. */
export const withoutRepeats = (records: ReadonlyArray<HeldRecord>): ReadonlyArray<HeldRecord> => {
  const seen = new Set<number>()
  const last = {
    stdout: { timestamp: "", isComplete: true },
    stderr: { timestamp: "", isComplete: true }
  }
  return records.filter((record) => {
    const { identity, stream, timestamp } = record
    const { isComplete, timestamp: latest } = last[stream]
    // Among so many records, two may have the same checksum: one that is later than all before it is new all the same.
    const isNew = timestamp > latest
    // Pieces of one line may be equal.
    const isPiece = timestamp === latest && !isComplete && mayBePiece(identity)
    if (!isNew && !isPiece && seen.has(identity)) return false
    seen.add(identity)
    if (timestamp >= latest) last[stream] = { timestamp, isComplete: isLine(record) }
    return true
  })
}

/**
 * Records of a live stream that are held back because the log is to be read first. They are needed if the engine no longer
 * has them by then: it has rotated the log, or removed the container.
 */
export class HeldRecords {
  #records: Array<HeldRecord> = []
  #bytes = 0
  #isWhole = true
  /** Where the next copies go, and how much of it is used. */
  #block = Buffer.alloc(0)
  #used = 0

  /** Whether none has been dropped. */
  get isWhole(): boolean {
    return this.#isWhole
  }

  /** Whether the live stream should wait. */
  get isFull(): boolean {
    return this.#bytes > fullBytes
  }

  /**
   * How many are held, if no two of them are the same record and none is a record up to those of the given timestamps, by
   * stream; `undefined` if that is not certain.
   */
  countAfter(latest: Readonly<Record<LogStream, string>>): number | undefined {
    const last = { ...latest }
    for (const record of this.#records) {
      const { identity, stream, timestamp } = record
      if (timestamp <= last[stream] || mayBePiece(identity) || !isLine(record)) return undefined
      last[stream] = timestamp
    }
    return this.#isWhole ? this.#records.length : undefined
  }

  /** Adds a copy of a record. */
  add(
    { identity, isContiguous, stream, timestamp }: Omit<HeldRecord, "bytes" | "start" | "end">,
    bytes: Buffer,
    start: number,
    end: number
  ): void {
    const length = end - start
    // A copy for each would cost more than all else.
    if (this.#used + length > this.#block.length) {
      this.#block = Buffer.allocUnsafe(Math.max(length, Math.min(maxBlock, 2 * this.#bytes)))
      this.#used = 0
    }
    const at = this.#used
    this.#used += bytes.copy(this.#block, at, start, end)
    this.#records.push({ stream, timestamp, identity, isContiguous, bytes: this.#block, start: at, end: this.#used })
    this.#bytes += length
    if (this.#bytes <= maxBytes) return
    const [first, ...rest] = this.#records.slice(Math.ceil(this.#records.length / 2))
    this.#isWhole = false
    this.#set(first === undefined ? [] : [{ ...first, isContiguous: false }, ...rest])
  }

  /**
   * Removes and returns the records in front of the given one. `reaches` is whether that one or a later one is held, and
   * `isContiguous` whether it follows directly on what is returned.
   */
  takeBefore(timestamp: string, identity: number) {
    const found = this.#records.findIndex((record) => record.identity === identity || record.timestamp >= timestamp)
    const end = found === -1 ? this.#records.length : found
    const next = this.#records[end]
    const isContiguous = next !== undefined && next.identity === identity && next.isContiguous
    const records = this.#records.slice(0, end)
    this.#set(this.#records.slice(end))
    return { records, isContiguous, reaches: next !== undefined }
  }

  /** Removes and returns all records. */
  take(): ReadonlyArray<HeldRecord> {
    const records = this.#records
    this.#set([])
    this.#isWhole = true
    return records
  }

  #set(records: Array<HeldRecord>): void {
    this.#records = records
    this.#bytes = records.reduce((sum, { end, start }) => sum + end - start, 0)
    if (records.length > 0) return
    this.#block = Buffer.alloc(0)
    this.#used = 0
  }
}
