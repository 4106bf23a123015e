/** Goes through the records of one container, in one direction, within bounds. */
import { textEnds } from "../block/Records.js"
import { compareTimes, timestampOf } from "../block/recordTime.js"
import { comparePlaces, type LogPlace } from "../LogCursor.js"
import type { RawItem } from "../thread/messages.js"
import { type Order, orderOf, type Origin, renderRecord } from "./renderRecords.js"
import type { Records } from "../block/Records.js"
import type { GenerationRow, Unit, Units } from "./Units.js"

/** A time; the ends of a range are inclusive and exclusive. */
export interface Bound {
  readonly seconds: number
  readonly nanos: number
}

/** What a walk goes through. */
export interface WalkRange {
  readonly forward: boolean
  /** Begins behind this place. */
  readonly start: LogPlace | undefined
  readonly from: Bound | undefined
  readonly to: Bound | undefined
}

interface Current {
  readonly unit: Unit
  readonly records: Records
  readonly order: Order
  readonly ends: Int32Array
}

const isDamage = (error: unknown): boolean =>
  error instanceof Error && !("code" in error && error.code === "ERR_CLOSED")

export class GenerationWalk {
  private current: Current | undefined
  private index = 0
  /** A unit that cannot be read. */
  private damaged: Unit | undefined
  /** The place of the next record; `undefined` at the end. */
  place: LogPlace | undefined

  constructor(
    private readonly units: Units,
    private readonly row: GenerationRow,
    private readonly sourceName: string,
    private readonly range: WalkRange
  ) {
    const { forward, start } = range
    if (start?.generation === row.id) {
      // The record itself may be in the middle of a unit.
      this.moveTo(this.find(start.number, true))
    } else if (start === undefined) this.moveTo(this.find(forward ? 0 : Number.MAX_SAFE_INTEGER, false))
    else this.moveTo(units.byKey(row.id, forward, start, this.seconds))
  }

  /** Returns the next record, with what is to be said about the place it stands at, in the direction of the walk. */
  take(): ReadonlyArray<RawItem> {
    const { current, damaged, index, range } = this
    if (damaged !== undefined) {
      this.damaged = undefined
      this.moveTo(this.after(damaged))
      return [this.missing(damaged.first, damaged.first + damaged.count - 1, "damaged")]
    }
    if (current === undefined) return []
    const { ends, order, records, unit } = current
    const item: RawItem = renderRecord(this.origin(unit), records, order, ends, index)
    const boundary = index === 0 ? this.boundary(current) : []
    this.index += range.forward ? 1 : -1
    this.settle()
    return range.forward ? [...boundary, item] : [item, ...boundary.toReversed()]
  }

  private get seconds(): readonly [number, number] {
    const { from, to } = this.range
    return [from?.seconds ?? -1e13, to?.seconds ?? 1e13]
  }

  private origin({ first, generation }: Unit): Origin {
    return { source: this.sourceName, containerId: this.row.container, generation, first }
  }

  private missing(from: number, to: number, reason: "not_kept" | "damaged"): RawItem {
    return { _tag: "MissingRecords", source: this.sourceName, containerId: this.row.container, from, to, reason }
  }

  /** What is to be said in front of the first record of a unit. */
  private boundary({ records, unit }: Current): ReadonlyArray<RawItem> {
    const { first, generation } = unit
    const previous = this.units.previous(generation, first)
    const end = previous === undefined ? 0 : previous.first + previous.count - 1
    const missing = end + 1 < first ? [this.missing(end + 1, first - 1, "not_kept")] : []
    if (previous !== undefined) return missing
    const mark: RawItem = {
      _tag: "GenerationMark",
      source: this.sourceName,
      containerId: this.row.container,
      containerName: this.row.name,
      timestamp: timestampOf(records.seconds[0] ?? 0, records.nanos[0] ?? 0)
    }
    return [mark, ...missing]
  }

  /** The unit with a record, or the next one in the direction. */
  private find(number: number, inside: boolean): Unit | undefined {
    return this.units.along(this.row.id, this.range.forward, number, inside, this.seconds)
  }

  private after(unit: Unit): Unit | undefined {
    return this.find(unit.first, false)
  }

  private moveTo(first: Unit | undefined): void {
    const { forward } = this.range
    for (let unit = first; unit !== undefined; unit = this.after(unit)) {
      try {
        const records = this.units.records(unit)
        // It has been deleted since it was found.
        if (records === undefined) continue
        this.current = { unit, records, order: orderOf(records), ends: textEnds(records) }
        this.index = forward ? 0 : records.count - 1
      } catch (error) {
        if (!isDamage(error)) throw error
        this.current = undefined
        this.damaged = unit
        const { generation, keyNanos, keySeconds } = unit
        this.place = { keySeconds, keyNanos, generation, number: unit.first + (forward ? unit.count - 1 : 0) }
        if (this.isAhead(this.place)) return
        this.damaged = undefined
        continue
      }
      this.skip()
      if (this.place !== undefined) return
    }
    this.current = undefined
    this.place = undefined
  }

  private isAhead(place: LogPlace): boolean {
    const { forward, start } = this.range
    return start === undefined || (forward ? comparePlaces(place, start) > 0 : comparePlaces(place, start) < 0)
  }

  /** Steps over what is out of bounds. */
  private skip(): void {
    const { current, range } = this
    this.place = undefined
    if (current === undefined) return
    const { order, records, unit } = current
    const step = range.forward ? 1 : -1
    for (; this.index >= 0 && this.index < records.count; this.index += step) {
      const { index } = this
      const second = records.seconds[index] ?? 0
      const nano = records.nanos[index] ?? 0
      const { from, to } = range
      if (from !== undefined && compareTimes(second, nano, from.seconds, from.nanos) < 0) continue
      if (to !== undefined && compareTimes(second, nano, to.seconds, to.nanos) >= 0) continue
      const place = {
        keySeconds: order.keySeconds[index] ?? 0,
        keyNanos: order.keyNanos[index] ?? 0,
        generation: unit.generation,
        number: unit.first + index
      }
      if (!this.isAhead(place)) continue
      this.place = place
      return
    }
  }

  private settle(): void {
    const { current } = this
    this.skip()
    if (this.place === undefined && current !== undefined) this.moveTo(this.after(current.unit))
  }
}
