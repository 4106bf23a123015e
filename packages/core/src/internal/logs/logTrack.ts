import type { LogPart, LogStream } from "../../LogEvent.js"
import { type GivenParts, LogPosition, type LogRun, type PassedRecord } from "../../LogPosition.js"
import { mayBePiece, recordIdentity } from "./recordIdentity.js"

/** Records that a ring holds at the most. Beyond, it begins anew at a record that the engine may not give first. */
const ringLimit = 65_536

/** Records that a ring holds at the most, rather than to begin anew at a piece of a line. */
const pieceRingLimit = 1024

/** How what comes is to be held against what has been given already. */
export type Expectation =
  /** The ring's first record comes first, else the attempt is of no use. */
  | "anchor"
  /** All up to the ring's first record has been given or was never asked for. */
  | "skip"
  /** The ring's first record is gone. */
  | "gap"

/**
 * What of a container's log has been given: enough to ask the engine for the rest, and to tell in its answer what has been
 * given already from what has not.
 */
export class LogTrack {
  run: LogRun | undefined
  #timestamps: Array<string>
  #identities: Array<number>
  #undelivered: ReadonlyArray<number>
  /** How many records the rings before this one held: tokens count on from ring to ring. */
  #base = 0
  #parts: ReadonlyArray<GivenParts>
  /** What the ring leaves out and has been given: as with the ring, it counts from the ring's first record on. */
  #passed: ReadonlyArray<PassedRecord>
  #latest: string
  /** What of the ring is still to come again in this attempt. */
  readonly #awaited = new Map<number, number>()
  /** By stream, up to which record all that comes in this attempt has been given. */
  readonly #passing = new Map<LogStream, { readonly until: PassedRecord; left: number }>()
  #expectation: Expectation | undefined
  #refused = false
  #last = ""
  #pendingGap: { readonly from: string; readonly to: string } | undefined

  constructor(
    readonly containerId: string,
    from: LogPosition | undefined
  ) {
    const state = from?.state
    this.run = state?.run
    this.#timestamps = state?.ring.timestamps.slice(0, state.length) ?? []
    this.#identities = state?.ring.identities.slice(0, state.length) ?? []
    this.#undelivered = state?.undelivered ?? []
    this.#parts = state?.parts ?? []
    this.#passed = state?.passed ?? []
    this.#latest = [...this.#timestamps, ...this.#passed.map(({ timestamp }) => timestamp)].reduce(
      (latest, timestamp) => (timestamp > latest ? timestamp : latest),
      ""
    )
    this.#last = this.#timestamps.at(-1) ?? ""
  }

  /** The timestamp of the ring's first record, from which on to ask; `undefined` while there is none. */
  get anchor(): string | undefined {
    return this.#timestamps[0]
  }

  /** Whether the ring's first record is like no other, wherever in the log one begins to look for it. */
  get isAnchorUnique(): boolean {
    return !mayBePiece(this.#identities[0] ?? 0)
  }

  /** Whether the attempt did not begin with what it had to. */
  get refused(): boolean {
    return this.#refused
  }

  /** Whether this is the ring's first record. */
  isAnchor(stream: LogStream, bytes: Buffer, start: number, end: number): boolean {
    return this.#identities[0] === recordIdentity(stream, bytes, start, end)
  }

  /** Begins to read anew. What had come of lines that are not complete is forgotten, as it comes again. */
  begin(expectation: Expectation): void {
    const undelivered = new Set(this.#undelivered)
    const keep = (_: unknown, index: number) => index === 0 || !undelivered.has(index)
    const anchorDelivered = !undelivered.has(0)
    // Positions hold the arrays that were, so these are new ones.
    this.#timestamps = this.#timestamps.filter(keep)
    this.#identities = this.#identities.filter(keep)
    this.#undelivered = anchorDelivered || this.#identities.length === 0 ? [] : [0]
    this.#refused = false
    this.#expectation = this.#identities.length === 0 ? undefined : expectation
    this.#awaited.clear()
    this.#passing.clear()
    for (const until of this.#passed) this.#passing.set(until.stream, { until, left: until.count })
    for (const [index, identity] of this.#identities.entries()) {
      if (index > 0 || anchorDelivered) this.#awaited.set(identity, (this.#awaited.get(identity) ?? 0) + 1)
    }
  }

  /** Ends an attempt: these records have come, and their lines have not been given. */
  end(undelivered: ReadonlyArray<number>): void {
    if (this.#expectation === undefined) this.#undelivered = this.#indexes(undelivered)
  }

  /** A gap that the last record showed, once. */
  takeGap(): { readonly from: string; readonly to: string } | undefined {
    const gap = this.#pendingGap
    this.#pendingGap = undefined
    return gap
  }

  /** A record has come. Gives a token for it, or -1 when it has been given before. `open`: lines are incomplete. */
  record(stream: LogStream, timestamp: string, bytes: Buffer, start: number, end: number, open: boolean): number {
    if (this.#refused) return -1
    const identity = recordIdentity(stream, bytes, start, end)
    let isFirst = false
    if (this.#expectation !== undefined) {
      const isAnchor = identity === this.#identities[0]
      if (!isAnchor && this.#expectation === "skip") return -1
      if (!isAnchor && this.#expectation === "anchor") {
        this.#refused = true
        return -1
      }
      this.#expectation = undefined
      isFirst = isAnchor
      const anchorWaits = this.#undelivered.length > 0
      this.#undelivered = []
      if (isAnchor && anchorWaits) return this.#base
      if (!isAnchor && !this.#awaited.has(identity)) this.#pendingGap = { from: this.#last, to: timestamp }
    }
    // The first record is in the ring too, the others are not.
    if (this.#passing.size > 0 && this.#passes(stream, timestamp, identity) && !isFirst) return -1
    if (this.#awaited.size > 0) {
      const count = this.#awaited.get(identity)
      if (count !== undefined) {
        if (count > 1) this.#awaited.set(identity, count - 1)
        else this.#awaited.delete(identity)
        return -1
      }
    }
    this.#last = timestamp
    const above = timestamp > this.#latest
    if (above) this.#latest = timestamp
    // A line that stays open behind so many records is not waited for: it would hold them all.
    // A piece may have equals, so a ring rather goes on from the whole line before it.
    const begins = above && !open && (!mayBePiece(identity) || this.#identities.length >= pieceRingLimit)
    if (begins || this.#identities.length >= ringLimit) {
      this.#base += this.#identities.length
      this.#timestamps = [timestamp]
      this.#identities = [identity]
      this.#passed = []
      return this.#base
    }
    this.#timestamps.push(timestamp)
    this.#identities.push(identity)
    return this.#base + this.#identities.length - 1
  }

  /** Whether this part of a line is to be given out: it may come again, as the whole line is read anew. */
  part(stream: LogStream, timestamp: string, part: LogPart): boolean {
    const given = this.#parts.find((parts) => parts.stream === stream && parts.timestamp === timestamp)?.count ?? 0
    if (part.index <= given) return false
    const others = this.#parts.filter((parts) => parts.stream !== stream)
    this.#parts = part.last ? others : [...others, { stream, timestamp, count: part.index }]
    return true
  }

  /** Whether the record is one up to which, or the one up to which, all of its stream has been given. */
  #passes(stream: LogStream, timestamp: string, identity: number): boolean {
    const passing = this.#passing.get(stream)
    if (passing === undefined) return false
    // Behind it in any case: the engine no longer has it.
    const isBehind = timestamp > passing.until.timestamp
    if (isBehind || (identity === passing.until.identity && --passing.left === 0)) this.#passing.delete(stream)
    return !isBehind
  }

  #indexes(tokens: ReadonlyArray<number>): ReadonlyArray<number> {
    return tokens.length === 0 ? tokens : tokens.map((token) => token - this.#base).filter((index) => index >= 0)
  }

  /** The point right behind what has been given; `undelivered` are the tokens of what has come and has not. */
  position(undelivered?: ReadonlyArray<number>): LogPosition {
    return new LogPosition({
      containerId: this.containerId,
      run: this.run,
      ring: { timestamps: this.#timestamps, identities: this.#identities },
      length: this.#identities.length,
      undelivered:
        this.#expectation === undefined && undelivered !== undefined ? this.#indexes(undelivered) : this.#undelivered,
      parts: this.#parts,
      passed: this.#passed
    })
  }
}
