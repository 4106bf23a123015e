import type { LogPosition } from "@dockwire/core/LogPosition"
import type { FollowElement } from "@dockwire/core/Logs"
import { containerLine, containerMark } from "../../rooms/events/containerEvents.js"
import { encodeEvent, encodeLines } from "../../rooms/events/encodeMessage.js"
import type { Membership } from "../../rooms/Membership.js"
import type { LineHead } from "../../rooms/events/RoomEvent.js"
import { historyPosition, incompletePosition } from "../../rooms/RoomPosition.js"

/** The most lines in a frame of history. */
export const maxHistoryLines = 1_000

/** Sends a container's history to one viewer whose membership is suspended, then resumes delivery from the ring. */
export class HistoryWriter {
  constructor(
    readonly membership: Membership,
    private readonly head: LineHead
  ) {}

  /** Sends lines and marks that were read from the engine, as one frame. */
  writeElements(elements: ReadonlyArray<FollowElement>): void {
    const { membership } = this
    const { ring, viewer } = membership
    const messages: Array<string> = []
    let lines: Array<string> = []
    let last: LogPosition | undefined
    const positionAfter = (position: LogPosition) =>
      membership.hasDelivered ? incompletePosition(membership.position) : historyPosition(position)
    const finishLines = () => {
      if (lines.length > 0 && last !== undefined) {
        messages.push(encodeLines(ring.room, undefined, positionAfter(last), this.head, lines))
      }
      lines = []
    }
    for (const element of elements) {
      if (element._tag === "LogLine") lines.push(containerLine(element))
      else {
        finishLines()
        messages.push(encodeEvent(ring.room, undefined, positionAfter(element.position), containerMark(element)))
      }
      last = element.position
    }
    finishLines()
    if (last === undefined) return
    if (!membership.hasDelivered) membership.position = historyPosition(last)
    viewer.write(Buffer.from(`[${messages.join(",")}]`))
  }

  /**
   * Ends the history and resumes from the ring at `from`; `position` is the position before it. A viewer that was sent
   * events of the ring before its history is first sent the lines up to where it joined, then continues where it was.
   */
  resumeFromRing(from: number, position: string): void {
    const { membership } = this
    if (!membership.hasDelivered) return membership.viewer.resume(membership, from, position)
    this.writeRingLines(from, membership.joinedAt)
    membership.viewer.resume(membership, membership.next, membership.position)
  }

  /** Sends lines of the ring without their `seq`: the viewer has seen higher ones already. */
  private writeRingLines(from: number, to: number): void {
    const { position, ring, viewer } = this.membership
    let lines: Array<string> = []
    const write = (positionAfter: string) => {
      viewer.write(Buffer.from(`[${encodeLines(ring.room, undefined, positionAfter, this.head, lines)}]`))
      lines = []
    }
    for (let seq = from; seq < to; seq++) {
      const line = ring.line(seq)
      if (line !== undefined) lines.push(line)
      if (lines.length === maxHistoryLines) write(incompletePosition(position))
    }
    // Also without lines: from here on the history is complete.
    write(position)
  }
}
