import type { LogLine, LogMark } from "@dockwire/core/LogEvent"
import type { LogPosition } from "@dockwire/core/LogPosition"
import type { FollowElement } from "@dockwire/core/Logs"
import { containerMark } from "../../rooms/events/containerEvents.js"
import { isBeforeFirst, positionKey, recordKey } from "../../rooms/logPositionKeys.js"
import type { Ring } from "../../rooms/Ring.js"

/** The timestamp of a line in a ring: the first element of its JSON. */
export const lineTimestamp = (json: string): string => json.slice(2, json.indexOf('"', 2))

/** Finds lines and marks that were read from the engine in a container's ring, to which a follower adds at the same time. */
export class RingIndex {
  private readonly byPosition = new Map<string, number>()
  private readonly byRecord = new Map<string, number>()
  private readonly byMark = new Map<string, number>()
  /** The `seq` of the last event that is indexed. */
  private indexed: number
  private readonly startKey: string | undefined

  constructor(
    private readonly ring: Ring,
    /** Where the follower that feeds the ring started, if it resumed from a position. */
    followerStart: LogPosition | undefined
  ) {
    this.indexed = ring.oldest - 1
    // A follower that started in front of a line has that line as its first.
    if (followerStart !== undefined && !isBeforeFirst(followerStart)) this.startKey = positionKey(followerStart)
  }

  /** Whether the ring's very first event comes right after this line. */
  isBeforeFirst(line: LogLine & { readonly position: LogPosition }): boolean {
    return this.ring.oldest === 1 && this.startKey !== undefined && positionKey(line.position) === this.startKey
  }

  /** The `seq` of this line or mark, if the ring has it. */
  find(element: FollowElement): number | undefined {
    const seq = element._tag === "LogLine" ? this.findLine(element) : this.findMark(element)
    return seq !== undefined && seq >= this.ring.oldest ? seq : undefined
  }

  private findMark(mark: LogMark): number | undefined {
    // One follow may have a gap that the other does not have.
    if (mark.mark === "gap") return undefined
    this.update()
    return this.byMark.get(containerMark(mark).json)
  }

  private findLine(line: LogLine & { readonly position: LogPosition }): number | undefined {
    const first = this.firstTimestamp()
    // Skips lines from seconds before the ring's first line. Within a second stdout and stderr may be out of order.
    if (first === undefined || line.timestamp.slice(0, 18) < first.slice(0, 18)) return undefined
    this.update()
    const exact = this.byPosition.get(positionKey(line.position))
    if (exact !== undefined) return exact
    return line.timestamp > first ? this.byRecord.get(recordKey(line.position)) : undefined
  }

  private firstTimestamp(): string | undefined {
    for (let seq = this.ring.oldest; seq <= this.ring.seq; seq++) {
      const item = this.ring.at(seq)
      if (item?.head !== undefined) return lineTimestamp(item.json)
    }
    return undefined
  }

  /** Indexes what was pushed since the last update. */
  private update(): void {
    for (let seq = Math.max(this.indexed + 1, this.ring.oldest); seq <= this.ring.seq; seq++) {
      const item = this.ring.at(seq)
      if (item === undefined) continue
      if (item.event === "container_log_mark") this.add(this.byMark, item.json, seq)
      if (item.head === undefined || item.logPosition === undefined) continue
      this.add(this.byPosition, positionKey(item.logPosition), seq)
      this.add(this.byRecord, recordKey(item.logPosition), seq)
    }
    this.indexed = this.ring.seq
    for (const index of [this.byMark, this.byPosition, this.byRecord]) this.removeEvicted(index)
  }

  /** Of several events with the same key, the first that is kept wins. */
  private add(index: Map<string, number>, key: string, seq: number): void {
    const existing = index.get(key)
    if (existing !== undefined && existing >= this.ring.oldest) return
    index.delete(key)
    index.set(key, seq)
  }

  /** Removes events that the ring evicted. A map iterates in insertion order, so the oldest come first. */
  private removeEvicted(index: Map<string, number>): void {
    for (const [key, seq] of index) {
      if (seq >= this.ring.oldest) return
      index.delete(key)
    }
  }
}
