import type { LogStream } from "../../../LogEvent.js"
import { mayBePiece } from "../../logs/recordIdentity.js"

/** From this many bytes on, the live stream should wait. */
const fullBytes = 4 * 1024 * 1024

/** The most bytes to hold of a log that can no longer be read. When there are more, the older half is dropped. */
const maxBytes = 2 * fullBytes

/** A copy of a record. */
export interface LogRecord {
  readonly stream: LogStream
  readonly timestamp: string
  readonly bytes: Buffer
}

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

const newline = 0x0a

/** Leaves out what the engine sent again, as it does with the last records where it rotates a log. */
export const withoutRepeats = (records: ReadonlyArray<HeldRecord>): ReadonlyArray<HeldRecord> => {
  const seen = new Set<number>()
  const last = {
    stdout: { timestamp: "", isComplete: true },
    stderr: { timestamp: "", isComplete: true }
  }
  return records.filter(({ bytes, identity, stream, timestamp }) => {
    const { isComplete, timestamp: latest } = last[stream]
    // Among so many records, two may have the same checksum: one that is later than all before it is new all the same.
    const isNew = timestamp > latest
    // Pieces of one line may be equal.
    const isPiece = timestamp === latest && !isComplete && mayBePiece(identity)
    if (!isNew && !isPiece && seen.has(identity)) return false
    seen.add(identity)
    if (timestamp >= latest) last[stream] = { timestamp, isComplete: bytes.at(-1) === newline }
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

  /** Whether none has been dropped. */
  get isWhole(): boolean {
    return this.#isWhole
  }

  /** Whether the live stream should wait. */
  get isFull(): boolean {
    return this.#bytes > fullBytes
  }

  /** Adds a copy of a record. */
  add(record: Omit<HeldRecord, "bytes">, bytes: Buffer, start: number, end: number): void {
    this.#records.push({ ...record, bytes: Buffer.from(bytes.subarray(start, end)) })
    this.#bytes += end - start
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
    this.#bytes = records.reduce((sum, { bytes }) => sum + bytes.length, 0)
  }
}
