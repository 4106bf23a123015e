/**
 * What a follow may deliver of the engine's live stream of a log that rotates.
 *
 * The stream is not complete. The engine follows the log's newest file. It reads to the end of a file before it goes on to
 * the next one, but if the log was rotated more than once meanwhile it goes on to the newest: whole files are left out, and
 * nothing in the stream shows it. They can still be read with a request that does not follow, until the engine deletes
 * them.
 *
 * So a record of the live stream is delivered only if no file can lie between it and the record in front of it: that one is
 * not the last of its file (see `FileRoom`), or too little time passed between their timestamps to write a file. Every other
 * record is held back. If the engine says that the log has as many records after the last delivered one as are held back,
 * nothing is missing, and they are delivered. If it has more, it is read from the last delivered record on. That read returns
 * what the live stream left out and what is held back. The live stream's records up to the end of that read are then dropped
 * when they arrive, because they have been delivered.
 */
import type { LogStream } from "../../LogEvent.js"
import { mayBePiece } from "./recordIdentity.js"

/**
 * No engine writes a log faster, in bytes per nanosecond: 4 GB/s. Docker 26 was seen to write 0.05 GB/s of short lines and
 * 0.6 GB/s of long ones.
 */
const maxBytesPerNano = 4

const secondLength = "2026-01-01T00:00:00".length

/** Whether fewer than `nanos` nanoseconds, of at most a second, passed from one timestamp to a later one. */
const isWithin = (from: string, to: string, nanos: number): boolean => {
  const elapsed = Number(to.slice(secondLength + 1, -1)) - Number(from.slice(secondLength + 1, -1))
  if (from.slice(0, secondLength) === to.slice(0, secondLength)) return elapsed < nanos
  const seconds = (Date.parse(`${to.slice(0, secondLength)}Z`) - Date.parse(`${from.slice(0, secondLength)}Z`)) / 1000
  return seconds * 1e9 + elapsed < nanos
}

/** What to do with a record of the live stream. */
export type Verdict =
  /** It follows directly on the last delivered record. */
  | "deliver"
  /** A read of the log has delivered it. */
  | "drop"
  /** Records may be missing in front of it. */
  | "hold"

/** Judges the records of a live stream. See the head of this file. */
export class LiveVerifier {
  /** The records that a read has delivered and that the live stream has yet to send, by their identities. */
  #awaited: Array<number> = []
  #next = 0
  /** The last record of the live stream. */
  #lastLive = -1
  #isLastLiveRead = false
  /** The latest timestamp of the delivered records; empty if nothing is known of them. */
  #latest = ""
  readonly #latestOf: Record<LogStream, string> = { stdout: "", stderr: "" }
  #lastStream: LogStream = "stdout"
  #lastIdentity = -1
  /** Of the records of the live stream. */
  #latestLive = ""
  #lastLiveStream: LogStream = "stdout"
  #isContiguous = false
  #isReadNeeded = false
  #isWithinLine = false
  #isUnverified = false
  #seen = 0
  #seenSinceRead = 0
  readonly #nanos: number

  /**
   * @param fileBytes the bytes that a file of the log has at least when the engine replaces it; 0 if unknown
   * @param room whether the record after the last delivered one is certainly in the same file
   */
  constructor(
    fileBytes: number,
    readonly room: { readonly isSameFile: boolean } = { isSameFile: false }
  ) {
    this.#nanos = Math.min(1e9, fileBytes / maxBytesPerNano)
  }

  /** Whether a record is held back, so that the log has to be read. */
  get isReadNeeded(): boolean {
    return this.#isReadNeeded
  }

  /** Whether records of the live stream have been delivered since the last read, because they were close in time. */
  get isUnverified(): boolean {
    return this.#isUnverified
  }

  /** How many records the live stream has sent. */
  get seen(): number {
    return this.#seen
  }

  /** How many of them since the last read began. */
  get seenSinceRead(): number {
    return this.#seenSinceRead
  }

  /** Whether the last record of the live stream follows directly on the one in front of it in that stream. */
  get isContiguous(): boolean {
    return this.#isContiguous
  }

  /** The latest timestamp of a stream's delivered records; empty if nothing is known of them. */
  latestOf(stream: LogStream): string {
    return this.#latestOf[stream]
  }

  /** Judges the next record of the live stream. */
  judge(stream: LogStream, timestamp: string, identity: number): Verdict {
    this.#isContiguous = this.#follows(this.#latestLive, this.#lastLiveStream, stream, timestamp)
    if (timestamp > this.#latestLive) this.#latestLive = timestamp
    this.#lastLiveStream = stream
    this.#seen++
    this.#seenSinceRead++
    this.#lastLive = identity
    if (this.#isReadNeeded) return "hold"
    if (this.#next < this.#awaited.length) {
      const index =
        this.#awaited[this.#next] === identity ? this.#next : this.#awaited.indexOf(identity, this.#next + 1)
      if (index !== -1) {
        this.#next = index + 1
        return "drop"
      }
    } else if (!this.#isWithinLine && !this.#isRepeat(identity)) {
      // Where the log is rotated, the engine may send records again. They are not later than those before.
      const isInFile = this.room.isSameFile && timestamp > this.#latestOf[stream]
      if (isInFile || this.#follows(this.#latest, this.#lastStream, stream, timestamp)) {
        this.#note(stream, timestamp, identity)
        this.#isUnverified ||= !isInFile
        return "deliver"
      }
    }
    this.#isReadNeeded = true
    return "hold"
  }

  /** Begins a read of the log. */
  beginRead(): void {
    this.#awaited = []
    this.#next = 0
    this.#isLastLiveRead = false
    this.#isUnverified = false
    this.#seenSinceRead = 0
  }

  /** Notes a record that was read. */
  read(stream: LogStream, timestamp: string, identity: number): void {
    this.#note(stream, timestamp, identity)
    // Of equal records, the first counts. Should it be the wrong one, too much is awaited, which is read again.
    if (!this.#isLastLiveRead && identity === this.#lastLive) {
      this.#isLastLiveRead = true
      this.#awaited = []
    } else this.#awaited.push(identity)
  }

  /**
   * Ends a read of the log.
   *
   * @param isComplete whether the log was read to its end
   * @param isWithinLine whether the end is within a line, which the next read then begins again
   */
  endRead(isComplete: boolean, isWithinLine: boolean): void {
    this.#isReadNeeded = !isComplete
    this.#isWithinLine = isWithinLine
  }

  /** Notes that what was held back follows directly on the last delivered record, and is delivered. */
  confirm(
    held: ReadonlyArray<{ readonly stream: LogStream; readonly timestamp: string; readonly identity: number }>
  ): void {
    this.beginRead()
    for (const { identity, stream, timestamp } of held) this.#note(stream, timestamp, identity)
    this.endRead(true, false)
  }

  /** Continues with the live stream after all that was held has been delivered, because the engine no longer has it. */
  continueLive(): void {
    this.#awaited = []
    this.#next = 0
    this.#latest = this.#latestLive
    this.#latestOf.stdout = this.#latestLive
    this.#latestOf.stderr = this.#latestLive
    this.#lastStream = this.#lastLiveStream
    this.#lastIdentity = this.#lastLive
    this.#isReadNeeded = false
    this.#isWithinLine = false
    this.#isUnverified = true
  }

  #note(stream: LogStream, timestamp: string, identity: number): void {
    if (timestamp > this.#latest) this.#latest = timestamp
    if (timestamp > this.#latestOf[stream]) this.#latestOf[stream] = timestamp
    this.#lastStream = stream
    this.#lastIdentity = identity
  }

  /** Whether the engine may have sent the last record again, as it does at times where it replaces a file. */
  #isRepeat(identity: number): boolean {
    return identity === this.#lastIdentity && !mayBePiece(identity)
  }

  /** Whether no file can lie between a record and the ones up to `latest`, the last of which belongs to `lastStream`. */
  #follows(latest: string, lastStream: LogStream, stream: LogStream, timestamp: string): boolean {
    // A record has its timestamp before it is written. Records of one stream are stamped and written in turn, but in between
    // any number of the other stream may be written.
    if (latest === "" || stream !== lastStream || timestamp < latest) return false
    return timestamp === latest || isWithin(latest, timestamp, this.#nanos)
  }
}
