/**
 * The replay ring of a room: its most recent events, encoded, bounded in lines, bytes and age. Lines are encoded one by
 * one as they are pushed and joined into messages only when a frame is built, so a burst becomes a few messages, and a viewer
 * that lags costs no more than the `seq` at which it continues.
 */
import type { LogPosition } from "@dockwire/core/LogPosition"
import { encodeEvent, encodeLines } from "./events/encodeMessage.js"
import { isBeforeFirst, isLogStart, isRecordAfter, isSameRun, positionKey } from "./logPositionKeys.js"
import type { ProgressItem, RoomEvent } from "./events/RoomEvent.js"
import { RingItems, recordOf, superseded } from "./RingItems.js"
import { formatPosition, parsePosition } from "./RoomPosition.js"

/** How much a ring keeps. */
export interface RingLimits {
  /** Events: lines and all others. */
  readonly lines: number
  /** Bytes of memory. */
  readonly bytes: number
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

const maxFrameLines = 2_000
const maxCachedFrames = 4

const itemKey = ({ id, run }: ProgressItem): string => `${run} ${id}`

/**
 * The most recent events of a room. `seq` numbers all events of an epoch: 1, 2, 3, ... Epoch and numbers come from the room's log.
 * Of the progress of an item, only the last report is kept: earlier ones keep their numbers, and are no longer sent.
 */
export class Ring {
  private readonly items = new RingItems()
  private frames: Array<RingFrame> = []
  private lastLogPosition: LogPosition | undefined
  /** The position in the engine's log before the oldest event. */
  private logBeforeOldest: () => LogPosition | undefined = () => undefined
  private lastOrder: number | undefined
  /** The order of the event before the oldest. */
  private orderBeforeOldest: number | undefined
  /** By item, the `seq` of the last report of progress that is kept. */
  private readonly progress = new Map<string, number>()
  /** The `seq` of the last event; 0 if there is none. */
  seq = 0
  lastPush: number

  constructor(
    readonly room: string,
    /** Changes with `begin`. */
    public epoch: string,
    private readonly limits: RingLimits,
    private readonly maxFrameCharacters: number,
    now: number
  ) {
    this.lastPush = now
  }

  /** The bytes that what is kept takes. */
  get bytes(): number {
    return this.items.bytes
  }

  /** Whether nothing is kept. */
  get isEmpty(): boolean {
    return this.items.length === 0
  }

  /** The lowest `seq` that is kept; `seq + 1` if the ring is empty. */
  get oldest(): number {
    return this.seq - this.items.length + 1
  }

  /** The event with this `seq`, if it is kept. */
  at(seq: number): RoomEvent | undefined {
    return seq < this.oldest ? undefined : this.items.at(seq - this.oldest)
  }

  /** The JSON of the line with this `seq`; `undefined` if it is not kept or not a line. */
  line(seq: number): string | undefined {
    const index = seq - this.oldest
    return index < 0 || this.items.head(index) === undefined ? undefined : this.items.json(index)
  }

  /** The position in the engine's log after the event with this `seq`, if it is kept and has one. */
  logPositionAt(seq: number): LogPosition | undefined {
    return seq < this.oldest ? undefined : this.items.logPosition(seq - this.oldest)
  }

  /** The `recordOf` that position; NaN if there is none. */
  recordAt(seq: number): number {
    return seq < this.oldest ? Number.NaN : this.items.record(seq - this.oldest)
  }

  /** Sets the position in the engine's log before the first event, unless it is known. */
  startAt(position: LogPosition): void {
    const known = this.logBeforeOldest()
    if (this.seq > 0 || (known !== undefined && !isLogStart(known))) return
    this.logBeforeOldest = () => position
    this.lastLogPosition = position
  }

  /** Starts over in another epoch. Forgets all events. */
  begin(epoch: string): void {
    this.epoch = epoch
    this.lastLogPosition = undefined
    this.lastOrder = undefined
    this.skip(0)
  }

  /** Continues after this `seq`: the events up to there will never be pushed. Forgets all events. */
  skip(seq: number): void {
    this.items.clear()
    this.dropFrames()
    this.progress.clear()
    this.seq = seq
    const log = this.lastLogPosition
    this.logBeforeOldest = () => log
    this.orderBeforeOldest = this.lastOrder
  }

  push(events: ReadonlyArray<RoomEvent>, now: number): void {
    for (const event of events) {
      this.lastLogPosition = event.logPosition ?? this.lastLogPosition
      this.lastOrder = event.order ?? this.lastOrder
      this.items.push(event, this.lastLogPosition ?? this.lastOrder, now)
      this.seq++
      if (event.item !== undefined) this.supersedeBefore(itemKey(event.item))
    }
    if (events.length > 0) this.lastPush = now
    this.evict(now)
  }

  /** Evicts what exceeds the limits. The last event always stays: it is where older history joins the ring. */
  evict(now: number): void {
    const { items, limits } = this
    while (
      items.length > 1 &&
      (items.length > limits.lines || items.bytes > limits.bytes || now - items.pushedAt(0) > limits.age)
    )
      this.shift()
    items.compact()
  }

  /** Evicts the older half. */
  halve(): void {
    const keep = Math.ceil(this.items.length / 2)
    while (this.items.length > keep) this.shift()
    this.items.compact()
    this.dropFrames()
  }

  private shift(): void {
    const { items } = this
    if (this.lastOrder !== undefined) this.orderBeforeOldest = items.order(0) ?? this.orderBeforeOldest
    const item = this.progress.size > 0 ? items.item(0) : undefined
    if (item !== undefined) this.progress.delete(itemKey(item))
    this.logBeforeOldest = items.shift()
  }

  /** The last event is progress: replaces the report about the same item before it, if that is kept. */
  private supersedeBefore(key: string): void {
    const before = this.progress.get(key)
    this.progress.set(key, this.seq)
    if (before === undefined) return
    this.items.supersede(before - this.oldest)
    this.frames = this.frames.filter(({ from, next }) => next <= before || from > before)
  }

  /** Drops the frames that are kept for other viewers. */
  dropFrames(): void {
    this.frames = []
  }

  /** The position after the event with this `seq`, which must be kept or be the last. */
  positionAt(seq: number): string {
    return this.positionBefore(seq + 1)
  }

  /** The position before the event with this `seq`, which must be kept or be the next. */
  positionBefore(seq: number): string {
    const log = this.logBefore(seq)
    const order = log === undefined ? this.orderBefore(seq) : undefined
    return formatPosition({
      epoch: this.epoch,
      seq: seq - 1,
      ...(log === undefined ? {} : { log: log.toString() }),
      ...(order === undefined ? {} : { order })
    })
  }

  /** The order, in the history of operations, of the event before the one with this `seq`, if known. */
  orderBefore(seq: number): number | undefined {
    if (seq === this.seq + 1) return this.lastOrder
    return seq === this.oldest ? this.orderBeforeOldest : this.items.order(seq - 1 - this.oldest)
  }

  /** The `seq` of the last event up to this order, if all later ones of this room are kept. */
  seqOfOrder(order: number): number | undefined {
    for (let seq = this.seq; seq >= this.oldest - 1; seq--) {
      const at = this.orderBefore(seq + 1)
      if (at !== undefined && at <= order) return seq
    }
    return undefined
  }

  /** The log id of the run that a line or progress belongs to. */
  runAt(seq: number): string | undefined {
    return seq < this.oldest ? undefined : this.items.run(seq - this.oldest)
  }

  /** The position in the engine's log before the event with this `seq`, if known. */
  logBefore(seq: number): LogPosition | undefined {
    if (seq === this.seq + 1) return this.lastLogPosition
    return seq === this.oldest ? this.logBeforeOldest() : this.logPositionAt(seq - 1)
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
      const first = this.logBeforeOldest()
      return this.oldest === 1 && first !== undefined && isLogStart(first) ? 0 : undefined
    }
    return this.seqOfEnd(position) ?? (isBeforeFirst(position) ? this.seqInFrontOf(position) : undefined)
  }

  private seqInFrontOf(position: LogPosition): number | undefined {
    const record = recordOf(position)
    for (let seq = this.oldest; seq <= this.seq; seq++) {
      if (this.recordAt(seq) !== record || this.line(seq) === undefined) continue
      const after = this.logPositionAt(seq)
      if (after !== undefined && isRecordAfter(after, position)) return seq - 1
    }
    return undefined
  }

  private seqOfEnd(position: LogPosition): number | undefined {
    const key = positionKey(position)
    const record = recordOf(position)
    let found: number | undefined
    for (let seq = this.seq; seq >= this.oldest; seq--) {
      const candidate = this.recordAt(seq) === record ? this.logPositionAt(seq) : undefined
      if (candidate === undefined || positionKey(candidate) !== key) {
        if (found !== undefined) return found
        continue
      }
      if (isSameRun(candidate, position)) return seq
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
      if (this.line(seq) === undefined) continue
      lines++
      from = seq
    }
    return { from, lines }
  }

  /** An estimate of the bytes from this `seq` on: the average event size times the number of events. */
  backlog(from: number): number {
    const kept = this.items.length
    return kept === 0 ? 0 : (this.bytes / kept) * Math.max(0, this.seq + 1 - from)
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
    /** The number of superseded events since the last message. */
    let left = 0
    while (seq <= this.seq && characters < this.maxFrameCharacters) {
      const head = this.items.head(seq - this.oldest)
      if (head === undefined) {
        const event = this.at(seq)
        if (event === undefined) break
        if (event.event === superseded) left++
        else {
          position = this.positionAt(seq)
          messages.push(encodeEvent(this.room, { seq, superseded: left }, position, event))
          characters += event.json.length
          left = 0
        }
        seq++
        continue
      }
      const first = seq
      const lines: Array<string> = []
      for (; lines.length < maxFrameLines && characters < this.maxFrameCharacters; seq++) {
        const index = seq - this.oldest
        if (this.items.head(index) !== head) break
        const json = this.items.json(index)
        lines.push(json)
        characters += json.length
      }
      position = this.positionAt(seq - 1)
      messages.push(encodeLines(this.room, { seq: first, superseded: left }, position, head, lines))
      left = 0
    }
    return { bytes: Buffer.from(`[${messages.join(",")}]`), from, next: seq, position, full: seq <= this.seq }
  }
}
