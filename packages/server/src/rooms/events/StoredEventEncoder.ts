import { isOperationEnded } from "@dockwire/core/LogEvent"
import type { GapMessage } from "../../Wire.js"
import type { HistoryItem, HistoryPlace, LostEvents, StoredEvent } from "../OperationHistory.js"
import { formatPosition } from "../RoomPosition.js"
import { encodeEntries, type RoomEntry } from "./encodeEntries.js"
import { operationEvents, operationHead } from "./operationEvents.js"
import type { LineHead } from "./RoomEvent.js"

/** Encodes stored events for one viewer of a room of operations. */
export class StoredEventEncoder {
  private readonly heads = new Map<string, LineHead>()
  /** The position after the last event that was encoded. */
  position: string

  constructor(
    private readonly room: string,
    /** The epoch of the room, if it is that of one run: events then have the numbers of the run. */
    private readonly epoch: string | undefined,
    /** The place after which the viewer's events begin. */
    public last: HistoryPlace
  ) {
    this.position = this.positionAt(last)
  }

  /** Encodes as messages what comes after `last`. */
  encode(items: ReadonlyArray<HistoryItem>): ReadonlyArray<string> {
    const messages: Array<string> = []
    let entries: Array<RoomEntry> = []
    for (const item of items) {
      if (item._tag === "Stored") this.collect(entries, item)
      else {
        messages.push(...encodeEntries(this.room, entries), this.encodeLost(item))
        entries = []
        this.last = Math.max(this.last, item.to ?? item.from)
      }
    }
    messages.push(...encodeEntries(this.room, entries))
    return messages
  }

  private collect(entries: Array<RoomEntry>, { event, order }: StoredEvent): void {
    const head = this.heads.get(event.logId) ?? operationHead(event)
    if (isOperationEnded(event)) this.heads.delete(event.logId)
    else this.heads.set(event.logId, head)
    const encoded = operationEvents(event, head, order)
    if (this.epoch === undefined) {
      // The position of all but the last is in front of the event.
      const before = this.position
      encoded.forEach((each, index) => {
        this.position = index === encoded.length - 1 ? this.positionAt(order) : before
        entries.push({ event: each, position: this.position })
      })
      this.last = order
      return
    }
    encoded.forEach((each, index) => {
      const seq = event.seq + index
      if (seq <= this.last) return
      this.position = this.positionAt(seq)
      entries.push({ event: each, position: this.position, number: { seq, superseded: seq - this.last - 1 } })
      this.last = seq
    })
  }

  private encodeLost({ from, reason, to }: LostEvents): string {
    const numbers =
      this.epoch === undefined ? { from: null, to: null } : { from: Math.max(from, this.last + 1), to: to ?? null }
    const gap: GapMessage = { event: "gap", room: this.room, data: { room: this.room, ...numbers, reason } }
    return JSON.stringify(gap)
  }

  private positionAt(place: HistoryPlace): string {
    return this.epoch === undefined
      ? formatPosition({ epoch: "", seq: 0, order: place })
      : formatPosition({ epoch: this.epoch, seq: place })
  }
}
