/**
 * Resuming a log: how a follow that lost its connection, or a later process with a `LogPosition`, continues with the first
 * line that was not delivered, without losing or repeating one.
 *
 * The Engine API has no cursor. It filters by time only: `since=T` skips the records of the log file up to the first one
 * with a timestamp of T or later, and returns that record and everything after it, in file order. A timestamp alone is not a
 * cursor. Several records may have the same one, and because stdout and stderr are stamped and written independently, a
 * record may have an earlier timestamp than the record in front of it.
 *
 * So the tracker keeps a window of consecutive records. Its first record is the anchor, a record with a later timestamp than
 * all records in front of it. `since=<anchor's timestamp>` therefore returns exactly the anchor and what follows it. Every
 * record of the window is kept as its timestamp and its identity: a checksum, a length and the stream. A record that is
 * later than all before it starts a new window, so in an ordinary log a window holds a single record; it grows only while
 * timestamps repeat or go backwards, or while a line is incomplete.
 *
 * To resume, the log is requested from the anchor on, and each record of the response that matches one of the window is
 * dropped, as often as it occurs there. All others are new. Three cases need more:
 *
 * - The anchor is not the first record of the response. Either the response does not begin where it should (the request was
 *   limited to the last records to save time), which refuses it, and the caller asks for more; or the engine has rotated the
 *   anchor away. Then the response is read with the expectation `gap`: if its first record is not in the window, records are
 *   missing in between.
 * - A line was incomplete when the connection was lost. The records of that line count as undelivered and are delivered when
 *   they arrive again. If parts of the line (over 1 MiB) had been delivered, as many parts are dropped again.
 * - A long window was shortened when its position was written. For each stream, the last delivered record that was left out
 *   stands for all of the stream in front of it: the stream's records are dropped up to that one.
 */
import type { LogPart, LogStream } from "../../LogEvent.js"
import { type DeliveredParts, type DeliveredRecord, LogPosition, type LogRun } from "../../LogPosition.js"
import { mayBePiece, recordIdentity } from "./recordIdentity.js"

/** The most records in a window. The next record then becomes the anchor, even if the engine may not return it first. */
const maxWindow = 65_536

/** The most records in a window before an anchor is accepted that may be a piece of a line. */
const maxWindowBeforePiece = 1024

/** How the records of a response relate to those that have been delivered. */
export type Expectation =
  /** The response begins with the anchor; if not, it is refused. */
  | "anchor"
  /** Everything in front of the anchor has been delivered or was never requested, and is dropped. */
  | "skip"
  /** The engine no longer has the anchor: the response begins after it. */
  | "gap"
  /** The response continues after what has been delivered. */
  | "next"

/** The timestamps of the records around a gap. */
export interface Gap {
  readonly from: string
  readonly to: string
}

/** Tracks which records of a container's log have been delivered, over any number of responses. See the head of this file. */
export class DeliveryTracker {
  run: LogRun | undefined
  #timestamps: Array<string>
  #identities: Array<number>
  /** Indexes of the records in the window whose line is not complete. */
  #undelivered: ReadonlyArray<number>
  /** How many records were in earlier windows. A record's token is this plus its index, so tokens stay unique. */
  #base = 0
  #parts: ReadonlyArray<DeliveredParts>
  #lastDelivered: ReadonlyArray<DeliveredRecord>
  #latest: string
  #count = 0
  /** How often each record of the window is still expected in this response. */
  readonly #awaited = new Map<number, number>()
  /** By stream, the record up to which everything in this response has been delivered. */
  readonly #skipping = new Map<LogStream, { readonly until: DeliveredRecord; left: number }>()
  /** `undefined` once the response has begun as expected. */
  #expectation: Expectation | undefined
  #refused = false
  #isRepeating = false
  #last = ""
  readonly #latestOf: Record<LogStream, string>
  #gap: Gap | undefined
  /** The timestamp in front of the gap that is in front of the next record; empty if there is none. */
  #gapFrom = ""
  #gapTo = ""

  constructor(
    readonly containerId: string,
    from: LogPosition | undefined
  ) {
    const state = from?.state
    this.run = state?.run
    this.#timestamps = state?.window.timestamps.slice(0, state.length) ?? []
    this.#identities = state?.window.identities.slice(0, state.length) ?? []
    this.#undelivered = state?.undelivered ?? []
    this.#parts = state?.parts ?? []
    this.#lastDelivered = state?.lastDelivered ?? []
    this.#latest = [...this.#timestamps, ...this.#lastDelivered.map(({ timestamp }) => timestamp)].reduce(
      (latest, timestamp) => (timestamp > latest ? timestamp : latest),
      ""
    )
    this.#last = this.#timestamps.at(-1) ?? ""
    this.#latestOf = { stdout: this.#latest, stderr: this.#latest }
  }

  /** The anchor's timestamp; `undefined` before the first record. */
  get anchor(): string | undefined {
    return this.#timestamps[0]
  }

  /** The anchor's identity; `undefined` before the first record. */
  get anchorIdentity(): number | undefined {
    return this.#identities[0]
  }

  /** Whether the anchor is a whole line, and the last delivered record. */
  get isAnchorLast(): boolean {
    return this.#identities.length === 1 && this.#undelivered.length === 0 && this.isAnchorUnique
  }

  /** Whether no other record equals the anchor. */
  get isAnchorUnique(): boolean {
    return !mayBePiece(this.#identities[0] ?? 0)
  }

  /** Whether the response did not begin with the anchor as expected. */
  get refused(): boolean {
    return this.#refused
  }

  /** Whether records that have been counted are new again in this response, because their line was incomplete. */
  get isRepeating(): boolean {
    return this.#isRepeating
  }

  /** The identity of the last record of the window, if there are no incomplete lines; `undefined` before the first record. */
  get lastIdentity(): number | undefined {
    return this.#undelivered.length > 0 ? undefined : this.#identities.at(-1)
  }

  /** Whether no record of the response has been found where it is expected to begin. */
  get isAwaitingBeginning(): boolean {
    return this.#expectation !== undefined
  }

  /** The timestamp of the last record of a stream. Records of a stream have their timestamps in order. */
  latestOf(stream: LogStream): string {
    return this.#latestOf[stream]
  }

  /** How many new records there have been. */
  get count(): number {
    return this.#count
  }

  /** Whether the window has a record with this identity. */
  has(identity: number): boolean {
    return this.#identities.includes(identity)
  }

  isAnchor(stream: LogStream, bytes: Buffer, start: number, end: number): boolean {
    return this.#identities[0] === recordIdentity(stream, bytes, start, end)
  }

  /** Begins a response. Records of incomplete lines are forgotten, because they arrive again. */
  begin(expectation: Expectation): void {
    const undelivered = new Set(this.#undelivered)
    const keep = (_: unknown, index: number) => index === 0 || !undelivered.has(index)
    const anchorDelivered = !undelivered.has(0)
    this.#isRepeating = undelivered.size > 0
    // New arrays: positions share the old ones.
    this.#timestamps = this.#timestamps.filter(keep)
    this.#identities = this.#identities.filter(keep)
    this.#undelivered = anchorDelivered || this.#identities.length === 0 ? [] : [0]
    this.#refused = false
    this.#expectation = this.#identities.length === 0 || expectation === "next" ? undefined : expectation
    this.#awaited.clear()
    this.#skipping.clear()
    for (const until of this.#lastDelivered) this.#skipping.set(until.stream, { until, left: until.count })
    for (const [index, identity] of this.#identities.entries()) {
      if (index > 0 || anchorDelivered) this.#awaited.set(identity, (this.#awaited.get(identity) ?? 0) + 1)
    }
  }

  /** Ends a response. `undelivered` are the tokens of the records whose line was not completed. */
  end(undelivered: ReadonlyArray<number>): void {
    if (this.#expectation === undefined) this.#undelivered = this.#indexes(undelivered)
  }

  /**
   * Notes that records may be missing in front of the next one.
   *
   * @param to up to when records may be missing, if not up to the next one
   * @param since when the first of them was written, if there is no record in front of them
   */
  markGap(to = "", since = ""): void {
    this.#gapFrom = this.#last === "" ? since : this.#last
    this.#gapTo = to
  }

  /** The gap in front of the last record, if there is one. Returns it once. */
  takeGap(): Gap | undefined {
    const gap = this.#gap
    this.#gap = undefined
    return gap
  }

  /**
   * Takes the next record of the response. Returns its token, or -1 if it has been delivered before.
   *
   * @param open whether a line is incomplete
   */
  record(stream: LogStream, timestamp: string, bytes: Buffer, start: number, end: number, open: boolean): number {
    if (this.#refused) return -1
    const identity = recordIdentity(stream, bytes, start, end)
    let isAnchor = false
    if (this.#expectation !== undefined) {
      isAnchor = identity === this.#identities[0]
      if (!isAnchor && this.#expectation === "skip") return -1
      if (!isAnchor && this.#expectation === "anchor") {
        this.#refused = true
        return -1
      }
      this.#expectation = undefined
      const isAnchorUndelivered = this.#undelivered.length > 0
      this.#undelivered = []
      if (isAnchor && isAnchorUndelivered) return this.#base
      if (!isAnchor && !this.#awaited.has(identity)) this.#gap = { from: this.#last, to: timestamp }
    }
    // Of the records that are skipped, only the anchor is in the window as well, and so still awaited.
    if (this.#skipping.size > 0 && this.#isSkipped(stream, timestamp, identity) && !isAnchor) return -1
    if (this.#awaited.size > 0) {
      const count = this.#awaited.get(identity)
      if (count !== undefined) {
        if (count > 1) this.#awaited.set(identity, count - 1)
        else this.#awaited.delete(identity)
        this.#gapFrom = ""
        return -1
      }
    }
    this.#latestOf[stream] = timestamp
    return this.#append(timestamp, identity, open)
  }

  /** Adds a new record to the window, or starts a new window with it. Returns its token. */
  #append(timestamp: string, identity: number, open: boolean): number {
    if (this.#gapFrom !== "") this.#gap = { from: this.#gapFrom, to: this.#gapTo || timestamp }
    this.#gapFrom = ""
    this.#count++
    this.#last = timestamp
    const isLatest = timestamp > this.#latest
    if (isLatest) this.#latest = timestamp
    // An incomplete line keeps the window, but not beyond its limit. A piece of a line may equal another one, so the window
    // rather grows from the whole line in front of it.
    const isAnchor = isLatest && !open && (!mayBePiece(identity) || this.#identities.length >= maxWindowBeforePiece)
    if (isAnchor || this.#identities.length >= maxWindow) {
      this.#base += this.#identities.length
      this.#timestamps = [timestamp]
      this.#identities = [identity]
      this.#lastDelivered = []
      return this.#base
    }
    this.#timestamps.push(timestamp)
    this.#identities.push(identity)
    return this.#base + this.#identities.length - 1
  }

  /** Whether to deliver this part of a line. After a lost connection, the parts of the line arrive again. */
  part(stream: LogStream, timestamp: string, part: LogPart): boolean {
    const delivered = this.#parts.find((parts) => parts.stream === stream && parts.timestamp === timestamp)?.count ?? 0
    if (part.index <= delivered) return false
    const others = this.#parts.filter((parts) => parts.stream !== stream)
    this.#parts = part.last ? others : [...others, { stream, timestamp, count: part.index }]
    return true
  }

  /** Whether the record belongs to what a shortened window left out. */
  #isSkipped(stream: LogStream, timestamp: string, identity: number): boolean {
    const skipping = this.#skipping.get(stream)
    if (skipping === undefined) return false
    // A later record means that the engine no longer has the one to skip to.
    const isLater = timestamp > skipping.until.timestamp
    if (isLater || (identity === skipping.until.identity && --skipping.left === 0)) this.#skipping.delete(stream)
    return !isLater
  }

  #indexes(tokens: ReadonlyArray<number>): ReadonlyArray<number> {
    return tokens.length === 0 ? tokens : tokens.map((token) => token - this.#base).filter((index) => index >= 0)
  }

  /** The position after what has been delivered. `undelivered` are the tokens of records that have arrived but were not. */
  position(undelivered?: ReadonlyArray<number>): LogPosition {
    return new LogPosition({
      containerId: this.containerId,
      run: this.run,
      window: { timestamps: this.#timestamps, identities: this.#identities },
      length: this.#identities.length,
      undelivered:
        this.#expectation === undefined && undelivered !== undefined ? this.#indexes(undelivered) : this.#undelivered,
      parts: this.#parts,
      lastDelivered: this.#lastDelivered
    })
  }
}
