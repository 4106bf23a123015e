/**
 * The replay ring of a room: its most recent events, encoded, bounded in lines, characters and age. Lines are encoded one by
 * one as they are pushed and joined into messages only when a frame is built, so a burst becomes a few messages, and a viewer
 * that lags costs no more than the `seq` at which it continues.
 */
import type { LogPosition } from "@dockwire/core/LogPosition"
import { encodeEvent, encodeLines } from "./events/encodeMessage.js"
import { isBeforeFirst, isLogStart, isRecordAfter, isSameRun, positionKey } from "./logPositionKeys.js"
import type { RoomEvent } from "./events/RoomEvent.js"
import { formatPosition, parsePosition } from "./RoomPosition.js"

/** An event in a ring. */
export interface RingItem extends RoomEvent {
  /** When it was pushed, in milliseconds since the epoch. */
  readonly pushedAt: number
}

/** How much a ring keeps. */
export interface RingLimits {
  /** Events: lines and all others. */
  readonly lines: number
  /** Characters of JSON, plus 100 for each event. */
  readonly characters: number
  /** Milliseconds. */
  readonly age: number
}

/** A WebSocket frame, ready to send. */
export interface RingFrame {
  readonly bytes: Buffer
  /** The `seq` of its first event. */
  readonly from: number
  /** The `seq` after its last event. */
  readonly next: number
  /** The position after its last event. */
  readonly position: string
  /** Whether the ring had more events than the frame could take. */
  readonly full: boolean
}

/** What an event counts for beyond its JSON. */
const charactersPerEvent = 100
const maxFrameLines = 2_000
const maxCachedFrames = 4

const charactersOf = (event: RoomEvent): number => event.json.length + charactersPerEvent

/** The most recent events of a room. `seq` numbers all events that were ever pushed: 1, 2, 3, ... */
export class Ring {
  private items: Array<RingItem> = []
  /** Index in `items` of the oldest event that is kept. Evicted items before it are cut off in batches. */
  private start = 0
  private frames: Array<RingFrame> = []
  private lastLogPosition: LogPosition | undefined
  /** The position in the engine's log before the oldest event. */
  private logBeforeOldest: LogPosition | undefined
  /** The `seq` of the last event; 0 if there is none. */
  seq = 0
  /** The size of what is kept, as `RingLimits` counts it. */
  characters = 0
  lastPush: number

  constructor(
    readonly room: string,
    readonly epoch: string,
    private readonly limits: RingLimits,
    private readonly maxFrameCharacters: number,
    now: number
  ) {
    this.lastPush = now
  }

  /** The lowest `seq` that is kept; `seq + 1` if the ring is empty. */
  get oldest(): number {
    return this.seq - (this.items.length - this.start) + 1
  }

  /** The event with this `seq`, if it is kept. */
  at(seq: number): RingItem | undefined {
    return seq < this.oldest ? undefined : this.items[this.start + seq - this.oldest]
  }

  /** Sets the position in the engine's log before the first event, unless it is known. */
  startAt(position: LogPosition): void {
    if (this.seq > 0 || (this.logBeforeOldest !== undefined && !isLogStart(this.logBeforeOldest))) return
    this.logBeforeOldest = position
    this.lastLogPosition = position
  }

  push(events: ReadonlyArray<RoomEvent>, now: number): void {
    for (const event of events) {
      const logPosition = event.logPosition ?? this.lastLogPosition
      this.lastLogPosition = logPosition
      this.items.push({ ...event, ...(logPosition === undefined ? {} : { logPosition }), pushedAt: now })
      this.seq++
      this.characters += charactersOf(event)
    }
    this.lastPush = now
    this.evict(now)
  }

  /** Evicts what exceeds the limits. The last event always stays: it is where older history joins the ring. */
  evict(now: number): void {
    for (;;) {
      const item = this.items[this.start]
      if (item === undefined || this.start + 1 === this.items.length) break
      const exceeded =
        this.items.length - this.start > this.limits.lines ||
        this.characters > this.limits.characters ||
        now - item.pushedAt > this.limits.age
      if (!exceeded) break
      this.evictOldest(item)
    }
    this.compact()
  }

  /** Evicts the older half. */
  halve(): void {
    const keep = Math.ceil((this.items.length - this.start) / 2)
    for (;;) {
      const item = this.items[this.start]
      if (item === undefined || this.items.length - this.start <= keep) break
      this.evictOldest(item)
    }
    this.compact()
  }

  private evictOldest(item: RingItem): void {
    this.characters -= charactersOf(item)
    this.logBeforeOldest = item.logPosition
    this.start++
  }

  private compact(): void {
    if (this.start < 1024 || this.start * 2 < this.items.length) return
    this.items = this.items.slice(this.start)
    this.start = 0
  }

  /** The position after the event with this `seq`, which must be kept or be the last. */
  positionAt(seq: number): string {
    return this.positionBefore(seq + 1)
  }

  /** The position before the event with this `seq`, which must be kept or be the next. */
  positionBefore(seq: number): string {
    const log = this.logBefore(seq)
    return formatPosition({ epoch: this.epoch, seq: seq - 1, ...(log === undefined ? {} : { log: log.toString() }) })
  }

  /** The position in the engine's log before the event with this `seq`, if known. */
  logBefore(seq: number): LogPosition | undefined {
    if (seq === this.seq + 1) return this.lastLogPosition
    return seq === this.oldest ? this.logBeforeOldest : this.at(seq - 1)?.logPosition
  }

  /** The position in the engine's log after the last event, if known. */
  get logPosition(): LogPosition | undefined {
    return this.lastLogPosition
  }

  /**
   * The `seq` of the last event at or before this position of the engine's log, if the position is in what is kept: at the
   * end of a line, at a mark that follows it, or in front of a line.
   */
  seqOfLogPosition(position: LogPosition): number | undefined {
    if (isLogStart(position)) {
      return this.oldest === 1 && this.logBeforeOldest !== undefined && isLogStart(this.logBeforeOldest) ? 0 : undefined
    }
    return this.seqOfEnd(position) ?? (isBeforeFirst(position) ? this.seqInFrontOf(position) : undefined)
  }

  private seqInFrontOf(position: LogPosition): number | undefined {
    for (let seq = this.oldest; seq <= this.seq; seq++) {
      const item = this.at(seq)
      if (item?.head !== undefined && item.logPosition !== undefined && isRecordAfter(item.logPosition, position))
        return seq - 1
    }
    return undefined
  }

  private seqOfEnd(position: LogPosition): number | undefined {
    const key = positionKey(position)
    let found: number | undefined
    for (let seq = this.seq; seq >= this.oldest; seq--) {
      const item = this.at(seq)
      if (item?.logPosition === undefined || positionKey(item.logPosition) !== key) {
        if (found !== undefined) return found
        continue
      }
      if (isSameRun(item.logPosition, position)) return seq
      found = seq
    }
    return found
  }

  /** The `seq` that a position from this ring's epoch refers to, whether that event is still kept or not. */
  seqOfRoomPosition(position: string): number | undefined {
    const parsed = parsePosition(position)
    return parsed !== undefined && parsed.epoch === this.epoch && parsed.seq <= this.seq ? parsed.seq : undefined
  }

  /** The `seq` of the first of the last `count` lines, and how many lines there are from there on. */
  lastLines(count: number): { readonly from: number; readonly lines: number } {
    let from = this.seq + 1
    let lines = 0
    for (let seq = this.seq; seq >= this.oldest && lines < count; seq--) {
      if (this.at(seq)?.head === undefined) continue
      lines++
      from = seq
    }
    return { from, lines }
  }

  /** An estimate of the characters from this `seq` on: the average event size times the number of events. */
  backlog(from: number): number {
    const kept = this.items.length - this.start
    return kept === 0 ? 0 : (this.characters / kept) * Math.max(0, this.seq + 1 - from)
  }

  /**
   * The next frame for a viewer that continues at `from`, which must be kept; `undefined` if there is nothing to send yet.
   * Viewers at the same `seq` share the same bytes.
   */
  frame(from: number): RingFrame | undefined {
    if (from > this.seq) return undefined
    for (const frame of this.frames) if (frame.from === from && (frame.full || frame.next > this.seq)) return frame
    const frame = this.encodeFrame(from)
    this.frames.push(frame)
    if (this.frames.length > maxCachedFrames) this.frames.shift()
    return frame
  }

  private encodeFrame(from: number): RingFrame {
    const messages: Array<string> = []
    let characters = 0
    let seq = from
    let position = ""
    while (seq <= this.seq && characters < this.maxFrameCharacters) {
      const item = this.at(seq)
      if (item === undefined) break
      if (item.head === undefined) {
        position = this.positionAt(seq)
        messages.push(encodeEvent(this.room, seq, position, item))
        characters += charactersOf(item)
        seq++
        continue
      }
      const first = seq
      const lines: Array<string> = []
      for (; lines.length < maxFrameLines && characters < this.maxFrameCharacters; seq++) {
        const line = this.at(seq)
        if (line === undefined || line.head !== item.head) break
        lines.push(line.json)
        characters += line.json.length
      }
      position = this.positionAt(seq - 1)
      messages.push(encodeLines(this.room, first, position, item.head, lines))
    }
    return { bytes: Buffer.from(`[${messages.join(",")}]`), from, next: seq, position, full: seq <= this.seq }
  }
}
