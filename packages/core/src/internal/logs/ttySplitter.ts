import { normalizeTimestamp } from "../api/engineTime.js"

/** The engine splits a line of a TTY into records of this many bytes, each with the timestamp in front. */
const pieceSize = 16 * 1024

const space = 0x20
const newline = 0x0a
/** The longest timestamp has 35 characters, with a time zone offset instead of `Z`, and a space. */
const longestPrefix = 36
const shortestPrefix = 31
const prefix = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(?:Z|[+-]\d\d:\d\d) /g

/**
 * A timestamp in the middle of a line, of which the bytes alone do not tell what it is: text that the program printed, or the
 * beginning of the first record of a run that follows one whose last line has no newline.
 */
export interface RunBoundary {
  /** The bytes of the record in front of the timestamp, if it begins a record. */
  readonly record: Buffer
  /** The timestamp of that record, normalized. */
  readonly from: string
  /** The timestamp in question, normalized. */
  readonly to: string
}

interface Question extends RunBoundary {
  /** Where the timestamp begins, from the start of the record. */
  readonly offset: number
}

/**
 * Splits the log of a container with a TTY, which has no frames, into records (`timestamp text`). A record ends with a
 * newline, after 16 KiB of text, or where a run ended within a line.
 *
 * A program may print whatever looks like such an end of a run, so the splitter never decides by the look of a text. It stops
 * with a `question` until it gets an `answer`. Most timestamps in a text need none:
 *
 * - The next run is later: an earlier timestamp is text.
 * - All records after the end of a run are later than its end: if the next record is earlier than the timestamp, it is text.
 * - No run follows the last one that the response can have.
 */
export class TtySplitter {
  #rest = Buffer.alloc(0)
  #question: Question | undefined
  /** Up to where the timestamps in the first record of `#rest` are known to be text. */
  #textUntil = 0
  #isOver = false

  /**
   * @param onRecord called with each record. The bytes are valid only during the call.
   * @param lastRunStart when the last run began that the response can have; `undefined` if that is not known
   */
  constructor(
    readonly onRecord: (bytes: Buffer, start: number, end: number) => void,
    readonly lastRunStart?: string
  ) {}

  /** What has to be answered before any more records are emitted. */
  get question(): RunBoundary | undefined {
    return this.#question
  }

  /** Answers the question: whether a record ends there. */
  answer(isBoundary: boolean): void {
    const question = this.#question
    if (question === undefined) return
    this.#question = undefined
    if (isBoundary) {
      const bytes = this.#rest
      this.#textUntil = 0
      this.#rest = bytes.subarray(question.offset)
      this.onRecord(bytes, 0, question.offset)
    } else this.#textUntil = question.offset + 1
    this.#proceed(this.#rest)
  }

  push(chunk: Uint8Array): void {
    const added = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const bytes = this.#rest.length === 0 ? added : Buffer.concat([this.#rest, added])
    this.#proceed(bytes)
  }

  /** Emits the last record, which has no newline, unless there is a question. */
  end(): void {
    this.#isOver = true
    this.#proceed(this.#rest)
  }

  /** Emits all complete records, and keeps a copy of what follows, because the chunk belongs to the connection. */
  #proceed(bytes: Buffer): void {
    let start = 0
    while (this.#question === undefined && start < bytes.length) {
      const end = this.#recordEnd(bytes, start)
      if (end === -1) break
      this.#textUntil = 0
      this.onRecord(bytes, start, end)
      start = end
    }
    this.#rest = Buffer.from(bytes.subarray(start))
  }

  /** Where the record ends that begins at `start`; -1 if that is not known yet. */
  #recordEnd(bytes: Buffer, start: number): number {
    const gap = bytes.indexOf(space, start)
    const limit = gap === -1 || gap - start > longestPrefix ? bytes.length : gap + 1 + pieceSize
    const line = bytes.subarray(0, Math.min(bytes.length, limit)).indexOf(newline, start)
    // The timestamp of a new run may begin before the limit and end after it, so wait for enough bytes to tell.
    const isCut = limit === bytes.length || bytes.length < limit + shortestPrefix
    if (line === -1 && isCut && !this.#isOver) return -1
    const end = line === -1 ? Math.min(bytes.length, limit) : line + 1
    const question = this.#boundary(bytes, start, end, line !== -1)
    if (question === undefined) return end
    this.#question = question
    return -1
  }

  /** The first timestamp in a record that may begin another one. */
  #boundary(bytes: Buffer, start: number, end: number, isWholeLine: boolean): Question | undefined {
    const own = this.#timestampAt(bytes, start)
    if (own === undefined || (this.lastRunStart !== undefined && own >= this.lastRunStart)) return undefined
    const text = bytes.toString("latin1", start, Math.min(bytes.length, end + longestPrefix))
    let next: string | undefined
    for (const match of text.matchAll(prefix)) {
      const offset = match.index
      if (offset >= end - start) break
      if (offset === 0 || offset < this.#textUntil) continue
      const to = normalizeTimestamp(match[0].trimEnd())
      if (to === undefined || to <= own) continue
      next ??= isWholeLine ? (this.#timestampAt(bytes, end) ?? "") : ""
      if (next !== "" && next < to) continue
      return { offset, record: Buffer.from(bytes.subarray(start, start + offset)), from: own, to }
    }
    return undefined
  }

  #timestampAt(bytes: Buffer, start: number): string | undefined {
    const gap = bytes.subarray(start, start + longestPrefix).indexOf(space)
    return gap === -1 ? undefined : normalizeTimestamp(bytes.toString("latin1", start, start + gap))
  }
}
