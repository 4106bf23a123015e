/** Events that are not yet stored: numbered, bounded, and what did not fit counted. */
import { type OperationEvent, isOperationEnded } from "@dockwire/core/LogEvent"
import type { NumberedEvent } from "./eventBlock.js"

/** How many events may wait to be stored. */
export interface RecordBufferLimits {
  readonly events: number
  readonly characters: number
}

export const defaultRecordBufferLimits: RecordBufferLimits = { events: 16_384, characters: 16 * 1024 * 1024 }

/** Events of a run that are not stored. */
export interface Gap {
  readonly logId: string
  readonly fromSeq: number
  readonly toSeq: number
  readonly fromOrder: number
  readonly toOrder: number
  /** Whether all of these existed. If not, it is unknown how many did. */
  readonly isExact: boolean
  readonly reason: string
}

const charactersOf = (event: OperationEvent): number => (event._tag === "OperationLine" ? event.text.length : 200)

/** The most events of one write, and the most characters of their lines. */
const chunk = { events: 1_000, characters: 256 * 1024 }

export class RecordBuffer {
  private events: Array<NumberedEvent> = []
  private characters = 0
  private gaps: Array<Gap> = []
  lastOrder = 0
  /** Why events do not fit now. */
  fullReason = "The history could not be written as fast as events came."

  constructor(private readonly limits: RecordBufferLimits) {}

  get isEmpty(): boolean {
    return this.events.length === 0 && this.gaps.length === 0
  }

  /** The number in front of the oldest event that is not stored. */
  get storedOrder(): number {
    const first = this.events[0]?.order ?? this.lastOrder + 1
    return this.gaps.reduce((least, gap) => Math.min(least, gap.fromOrder), first) - 1
  }

  /** Numbers the events and takes those that fit. Returns the number of the first one. */
  add(events: ReadonlyArray<OperationEvent>): number {
    const first = this.lastOrder + 1
    for (const event of events) {
      const numbered = { order: ++this.lastOrder, event }
      const characters = charactersOf(event)
      const fits = this.events.length < this.limits.events && this.characters + characters <= this.limits.characters
      // There is one end for each run, and without it the run would seem to go on for ever.
      if (!fits && !isOperationEnded(event)) {
        this.drop(numbered)
        continue
      }
      this.events.push(numbered)
      this.characters += characters
    }
    return first
  }

  addGap(gap: Gap): void {
    this.gaps.push(gap)
  }

  /** The oldest events, as many as one write takes, and all gaps. They stay until `written`. */
  next(): { readonly events: ReadonlyArray<NumberedEvent>; readonly gaps: ReadonlyArray<Gap> } {
    let count = 0
    let characters = 0
    for (const { event } of this.events) {
      characters += charactersOf(event)
      if (count > 0 && (count === chunk.events || characters > chunk.characters)) break
      count++
    }
    return { events: this.events.slice(0, count), gaps: this.gaps.slice() }
  }

  /** Forgets what `next` returned. */
  written(events: number, gaps: ReadonlyArray<Gap>): void {
    for (const { event } of this.events.slice(0, events)) this.characters -= charactersOf(event)
    this.events = this.events.slice(events)
    this.gaps = this.gaps.filter((gap) => !gaps.includes(gap))
  }

  private drop({ event: { logId, seq }, order }: NumberedEvent): void {
    const last = this.gaps.findLastIndex((gap) => gap.logId === logId)
    const gap = this.gaps[last]
    if (gap?.toSeq === seq - 1) this.gaps[last] = { ...gap, toSeq: seq, toOrder: order }
    else {
      const place = { fromSeq: seq, toSeq: seq, fromOrder: order, toOrder: order }
      this.gaps.push({ logId, ...place, isExact: true, reason: this.fullReason })
    }
  }
}
