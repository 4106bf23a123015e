import { encodeEvent, encodeLines, type MessageNumber } from "./encodeMessage.js"
import type { RoomEvent } from "./RoomEvent.js"

/** An event for one viewer. */
export interface RoomEntry {
  readonly event: RoomEvent
  /** The position after it. */
  readonly position: string
  /** Leave it out for an event whose number in the room is unknown. */
  readonly number?: MessageNumber
}

/** Whether both entries have no number, or the second one the next. */
const isNext = (before: RoomEntry, after: RoomEntry): boolean =>
  before.number === undefined
    ? after.number === undefined
    : after.number?.seq === before.number.seq + 1 && after.number.superseded === 0

/** Encodes events as messages. Lines with the same head that follow each other become one message. */
export const encodeEntries = (room: string, entries: ReadonlyArray<RoomEntry>): ReadonlyArray<string> => {
  const messages: Array<string> = []
  for (let index = 0; index < entries.length;) {
    const first = entries[index++]
    if (first === undefined) break
    const { head } = first.event
    if (head === undefined) {
      messages.push(encodeEvent(room, first.number, first.position, first.event))
      continue
    }
    const lines = [first.event.json]
    let last = first
    for (let next = entries[index]; next?.event.head === head && isNext(last, next); next = entries[index]) {
      lines.push(next.event.json)
      last = next
      index++
    }
    messages.push(encodeLines(room, first.number, last.position, head, lines))
  }
  return messages
}
