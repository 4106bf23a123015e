/**
 * The events of a ring, in columns: a ring may hold millions of events, and an object for each would cost more than its text.
 * The position of a line in the engine's log is reduced to a number and a shared part wherever the rest can be derived.
 */
import { LogPosition } from "@dockwire/core/LogPosition"
import type { LineHead, ProgressItem, RoomEvent } from "./events/RoomEvent.js"

/** What the positions of all lines in one run of a container have in common. */
interface LogRunOf {
  readonly containerId: string
  readonly run: LogPosition["state"]["run"]
}

/** What an event counts for beyond its JSON: its columns and the header of its string (measured). */
const bytesPerEvent = 100
/** What a position counts for that can't be reduced (measured). */
const bytesPerPosition = 640

/** The fields of a position's state. One with more can't be reduced. */
const stateFields = 7

/** The timestamp of a line: the first element of its JSON. */
export const lineTimestamp = (json: string): string => json.slice(2, json.indexOf('"', 2))

/** A number that positions at the end of the same record have in common, and few others. */
export const recordOf = ({ state }: LogPosition): number => state.window.identities[state.length - 1] ?? -1

/** A string with a character beyond Latin-1 takes two bytes for each. Those beyond ASCII are taken for such. */
const stringBytes = (text: string): number => (Buffer.byteLength(text) === text.length ? text.length : 2 * text.length)

/** Whether the position can be derived from the line's timestamp and the number of its record. */
const isReducible = ({ state }: LogPosition, json: string): boolean =>
  state.length === 1 &&
  state.undelivered.length === 0 &&
  state.parts.length === 0 &&
  state.lastDelivered.length === 0 &&
  state.window.timestamps[0] === lineTimestamp(json) &&
  Object.keys(state).length === stateFields

type Kind = LineHead | ProgressItem | string

/** The name of an event that a later one replaces. It keeps its number, and is not sent any more. */
export const superseded = "superseded"

/** Events in the order in which they were pushed. Index 0 is the oldest that is kept. */
export class RingItems {
  private jsons: Array<string> = []
  /** The head of a line, the item of a report of progress, or the name of any other event. */
  private kinds: Array<Kind> = []
  private times: Array<number> = []
  /** The `recordOf` each position, NaN without one. */
  private records: Array<number> = []
  /** The positions in the engine's log, or the orders in the history of operations. */
  private positions: Array<LogPosition | LogRunOf | number | undefined> = []
  /** The index of the oldest event that is kept. Those before it are cut off in batches. */
  private start = 0
  private lastRun: LogRunOf | undefined
  /** The bytes that the events take. */
  bytes = 0

  get length(): number {
    return this.jsons.length - this.start
  }

  /** `place` is the event's position in the engine's log, or its order in the history of operations. */
  push(event: RoomEvent, place: LogPosition | number | undefined, now: number): void {
    const logPosition = typeof place === "number" ? undefined : place
    this.jsons.push(event.json)
    this.kinds.push(event.head ?? event.item ?? event.event)
    this.times.push(now)
    this.records.push(logPosition === undefined ? Number.NaN : recordOf(logPosition))
    this.positions.push(
      logPosition !== undefined && event.head !== undefined && isReducible(logPosition, event.json)
        ? this.runOf(logPosition)
        : place
    )
    this.bytes += this.bytesOf(this.jsons.length - 1)
  }

  /** Removes the oldest event. Returns its position in the engine's log. */
  shift(): () => LogPosition | undefined {
    const { start } = this
    const position = this.positions[start]
    const json = this.jsons[start] ?? ""
    const record = this.records[start] ?? Number.NaN
    this.bytes -= this.bytesOf(start)
    this.jsons[start] = ""
    this.kinds[start] = ""
    this.positions[start] = undefined
    this.start++
    return () => restore(position, json, record)
  }

  /** Removes all events. */
  clear(): void {
    this.jsons = []
    this.kinds = []
    this.times = []
    this.records = []
    this.positions = []
    this.start = 0
    this.bytes = 0
  }

  /** Makes an event `superseded`: its text is no longer needed. */
  supersede(index: number): void {
    const at = this.start + index
    this.bytes -= this.bytesOf(at)
    this.jsons[at] = ""
    this.kinds[at] = superseded
    this.bytes += this.bytesOf(at)
  }

  /** The item of a report of progress that is not superseded. */
  item(index: number): ProgressItem | undefined {
    const kind = this.kinds[this.start + index]
    return typeof kind === "object" && "id" in kind ? kind : undefined
  }

  /** The log id of the run that the event belongs to, if it is a line or progress. */
  run(index: number): string | undefined {
    const kind = this.kinds[this.start + index]
    return typeof kind === "object" ? kind.run : undefined
  }

  /** The event's order in the history of operations, if it has one. */
  order(index: number): number | undefined {
    const place = this.positions[this.start + index]
    return typeof place === "number" ? place : undefined
  }

  /** Frees what the removed events took. */
  compact(): void {
    if (this.start < 1024 || this.start * 3 < this.jsons.length) return
    this.jsons = this.jsons.slice(this.start)
    this.kinds = this.kinds.slice(this.start)
    this.times = this.times.slice(this.start)
    this.records = this.records.slice(this.start)
    this.positions = this.positions.slice(this.start)
    this.start = 0
  }

  at(index: number): RoomEvent | undefined {
    const kind = this.kinds[this.start + index]
    if (kind === undefined) return undefined
    const json = this.json(index)
    if (typeof kind === "string") return { event: kind, json }
    return "id" in kind ? { event: "docker_progress", item: kind, json } : { event: "docker_log", head: kind, json }
  }

  json(index: number): string {
    return this.jsons[this.start + index] ?? ""
  }

  /** The head of a line; `undefined` for any other event. */
  head(index: number): LineHead | undefined {
    const kind = this.kinds[this.start + index]
    return typeof kind === "object" && "json" in kind ? kind : undefined
  }

  pushedAt(index: number): number {
    return this.times[this.start + index] ?? 0
  }

  /** The `recordOf` the event's position; NaN if it has none. */
  record(index: number): number {
    return this.records[this.start + index] ?? Number.NaN
  }

  logPosition(index: number): LogPosition | undefined {
    return restore(this.positions[this.start + index], this.json(index), this.record(index))
  }

  private bytesOf(at: number): number {
    const isWhole = this.positions[at] instanceof LogPosition
    return stringBytes(this.jsons[at] ?? "") + bytesPerEvent + (isWhole ? bytesPerPosition : 0)
  }

  private runOf({ state: { containerId, run } }: LogPosition): LogRunOf {
    const last = this.lastRun
    const isSame =
      last?.containerId === containerId && last.run?.startedAt === run?.startedAt && last.run?.ended === run?.ended
    if (last !== undefined && isSame) return last
    this.lastRun = { containerId, run }
    return this.lastRun
  }
}

const restore = (
  position: LogPosition | LogRunOf | number | undefined,
  json: string,
  record: number
): LogPosition | undefined =>
  typeof position !== "object"
    ? undefined
    : position instanceof LogPosition
      ? position
      : new LogPosition({
          ...position,
          window: { timestamps: [lineTimestamp(json)], identities: [record] },
          length: 1,
          undelivered: [],
          parts: [],
          lastDelivered: []
        })
