/**
 * A room's replay ring: the last events of the room, encoded, bounded in lines, characters and age. Lines are encoded
 * one by one when they come in and joined into messages when they go out, so that a burst is few messages and a viewer
 * who fell behind costs nothing but a number.
 */
import type { LogPosition } from "@dockwire/core/LogPosition"
import { positionKey, isSameRun } from "./comparePositions.js"
import { formatPosition, parsePosition } from "./RoomPosition.js"

/** What the lines of one `docker_log` message share: JSON of its `data`, without the closing brace. */
export interface LineHead {
  readonly json: string
}

/** An event on its way into a ring. */
export interface RingEvent {
  /** `docker_log` for a line. */
  readonly event: string
  /** Of a line; lines that stand beside each other and have the same head travel together. */
  readonly head?: LineHead
  /** A line: JSON of its `WireLine`. Anything else: JSON of its `data`. */
  readonly json: string
  /** The point right after it in the engine's log. */
  readonly logPosition?: LogPosition
}

/** An event in a ring. */
export interface RingItem extends RingEvent {
  /** When it came in, in milliseconds since the epoch. */
  readonly at: number
}

/** How much a ring keeps. */
export interface RingLimits {
  readonly lines: number
  /** Characters of JSON, with 100 for each event. */
  readonly characters: number
  /** Milliseconds. */
  readonly age: number
}

/** A frame, and where the next one begins. */
export interface RingFrame {
  readonly bytes: Buffer
  readonly from: number
  /** The `seq` after its last event. */
  readonly next: number
  /** The position right after its last event. */
  readonly position: string
  /** Whether there was more than fits in a frame. */
  readonly full: boolean
}

const overhead = 100
const maxFrameLines = 2_000
const cachedFrames = 4

/** What an event counts for in a ring's `characters`. */
export const weightOf = (event: RingEvent): number => event.json.length + overhead

/** JSON of a `docker_log` message; without `seq` for what only one viewer gets. */
export const linesMessage = (
  room: string,
  seq: number | undefined,
  position: string,
  head: LineHead,
  lines: ReadonlyArray<string>
): string =>
  `{"event":"docker_log","room":${JSON.stringify(room)},${seq === undefined ? "" : `"seq":${seq},`}"position":` +
  `${JSON.stringify(position)},"data":${head.json},"lines":[${lines.join(",")}]}}`

/** JSON of any other message; likewise. */
export const eventMessage = (room: string, seq: number | undefined, position: string, item: RingEvent): string =>
  `{"event":"${item.event}","room":${JSON.stringify(room)},${seq === undefined ? "" : `"seq":${seq},`}"position":` +
  `${JSON.stringify(position)},"data":${item.json}}`

/** The last events of a room. `seq` counts 1, 2, 3, ... over all that were ever pushed. */
export class Ring {
  private items: Array<RingItem> = []
  /** Index into `items` of the oldest that is kept; what is before it is cut off now and then. */
  private start = 0
  private frames: Array<RingFrame> = []
  /** The `seq` of the last event; 0 for none. */
  seq = 0
  characters = 0
  lastPush: number
  private lastLogPosition: RingEvent["logPosition"]

  constructor(
    readonly room: string,
    readonly epoch: string,
    private readonly limits: RingLimits,
    private readonly maxFrameCharacters: number,
    now: number
  ) {
    this.lastPush = now
  }

  /** The lowest `seq` that is kept; `seq + 1` for none. */
  get oldest(): number {
    return this.seq - (this.items.length - this.start) + 1
  }

  /** The event with this `seq`, where it is kept. */
  at(seq: number): RingItem | undefined {
    return seq < this.oldest ? undefined : this.items[this.start + seq - this.oldest]
  }

  push(events: ReadonlyArray<RingEvent>, now: number): void {
    for (const event of events) {
      const logPosition = event.logPosition ?? this.lastLogPosition
      this.lastLogPosition = logPosition
      this.items.push({ ...event, ...(logPosition === undefined ? {} : { logPosition }), at: now })
      this.seq++
      this.characters += weightOf(event)
    }
    this.lastPush = now
    this.evict(now)
  }

  /** Lets go of what is over the limits; the last event stays, as the mark at which older history is joined. */
  evict(now: number): void {
    for (;;) {
      const item = this.items[this.start]
      if (item === undefined || this.start + 1 === this.items.length) break
      const over =
        this.items.length - this.start > this.limits.lines ||
        this.characters > this.limits.characters ||
        now - item.at > this.limits.age
      if (!over) break
      this.dropOldest(item)
    }
    this.compact()
  }

  /** Lets go of the oldest half. */
  halve(): void {
    const keep = Math.ceil((this.items.length - this.start) / 2)
    for (;;) {
      const item = this.items[this.start]
      if (item === undefined || this.items.length - this.start <= keep) break
      this.dropOldest(item)
    }
    this.compact()
  }

  private dropOldest(item: RingItem): void {
    this.characters -= weightOf(item)
    this.start++
  }

  private compact(): void {
    if (this.start < 1024 || this.start * 2 < this.items.length) return
    this.items = this.items.slice(this.start)
    this.start = 0
  }

  /** The position right after the event with this `seq`, which must be kept or be that of the last. */
  positionAt(seq: number): string {
    const log = seq === this.seq ? this.lastLogPosition : this.at(seq)?.logPosition
    return formatPosition({
      epoch: this.epoch,
      seq,
      ...(log === undefined ? {} : { log: log.toString() })
    })
  }

  /** The position right before the event with this `seq`; without a point in the engine's log where that is not known any more. */
  positionBefore(seq: number): string {
    return seq > this.oldest || seq === this.seq + 1
      ? this.positionAt(seq - 1)
      : formatPosition({ epoch: this.epoch, seq: seq - 1 })
  }

  /** The point of the engine's log behind the last event, where one is known. */
  get logPosition(): LogPosition | undefined {
    return this.lastLogPosition
  }

  /**
   * The `seq` of the event that this point of the engine's log lies right behind, where it is kept: the line, or the mark
   * that follows it.
   */
  seqOfLogPosition(position: LogPosition): number | undefined {
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

  /** The `seq` of the last event that a position of this very room covers, whether it is kept or not. */
  seqOfRoomPosition(position: string): number | undefined {
    const at = parsePosition(position)
    return at !== undefined && at.epoch === this.epoch && at.seq <= this.seq ? at.seq : undefined
  }

  /** The `seq` at which the last `count` kept lines begin, and how many lines that really is. */
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

  /** Characters of JSON from this `seq` on, roughly: as if all events were of the same length. */
  backlog(from: number): number {
    const kept = this.items.length - this.start
    return kept === 0 ? 0 : (this.characters / kept) * Math.max(0, this.seq + 1 - from)
  }

  /**
   * The next frame for a viewer whose next event is `from`; `undefined` when there is none yet. The same bytes for every
   * viewer at the same place. `from` must be kept.
   */
  frame(from: number): RingFrame | undefined {
    if (from > this.seq) return undefined
    for (const frame of this.frames) if (frame.from === from && (frame.full || frame.next > this.seq)) return frame
    const frame = this.encode(from)
    this.frames.push(frame)
    if (this.frames.length > cachedFrames) this.frames.shift()
    return frame
  }

  private encode(from: number): RingFrame {
    const messages: Array<string> = []
    let characters = 0
    let seq = from
    let position = ""
    while (seq <= this.seq && characters < this.maxFrameCharacters) {
      const item = this.at(seq)
      if (item === undefined) break
      if (item.head === undefined) {
        position = this.positionAt(seq)
        messages.push(eventMessage(this.room, seq, position, item))
        characters += weightOf(item)
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
      messages.push(linesMessage(this.room, first, position, item.head, lines))
    }
    return { bytes: Buffer.from(`[${messages.join(",")}]`), from, next: seq, position, full: seq <= this.seq }
  }
}
