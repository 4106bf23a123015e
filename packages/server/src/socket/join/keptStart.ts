/** Where a viewer starts in the kept log of a container that was removed. */
import type { InvalidRequest } from "@dockwire/core/DockerError"
import type { LogPosition } from "@dockwire/core/LogPosition"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { HistoryRequest } from "../../engine/history/historyStart.js"
import {
  type HistoryRange,
  keptPosition,
  logPositionOf,
  parsePosition,
  requestPosition
} from "../../rooms/RoomPosition.js"
import type { KeptContainer } from "../../store/find/keptContainer.js"
import { cursorInFrontOf } from "../../store/LogCursor.js"
import type { LogRange, StoredItem, StoredLine, StoredMark } from "../../store/LogRecord.js"
import type { LogStoreShape } from "../../store/LogStore.js"
import { nextNanosecond } from "../../store/nextNanosecond.js"
import type { LogStoreUnavailable } from "../../store/LogStoreError.js"

/** Where a viewer starts. */
export interface KeptStart {
  /** Behind this element; at the start of what is kept if there is none. */
  readonly cursor?: string
  /** Only elements of this time and later ones. */
  readonly from?: string
  /** Why elements before it are missing, if they are. */
  readonly gap?: string
}

type ReadError = LogStoreUnavailable | InvalidRequest
type StoredRecord = StoredLine | StoredMark

const isRecord = (item: StoredItem): item is StoredRecord => item._tag === "StoredLine" || item._tag === "StoredMark"
const isLine = (item: StoredItem): item is StoredLine => item._tag === "StoredLine"

/** An RFC 3339 timestamp; given as one, or as seconds since the epoch. */
const timeOf = (since: string): string => {
  const [, seconds, fraction = ""] = /^(\d+)(?:\.(\d{1,9}))?$/.exec(since) ?? []
  if (seconds === undefined) return since
  return `${new Date(Number(seconds) * 1_000).toISOString().slice(0, 20)}${fraction.padEnd(9, "0")}Z`
}

/** The timestamp of the last record that was delivered, and how many with it were; without any, of the first. */
const lastDelivered = ({ state }: LogPosition): { readonly timestamp: string | undefined; readonly count: number } => {
  const { lastDelivered: left, length, undelivered, window } = state
  const delivered = window.timestamps.slice(0, length).filter((_, index) => !undelivered.includes(index))
  const timestamp = delivered.at(-1) ?? left.at(-1)?.timestamp
  if (timestamp === undefined) return { timestamp: window.timestamps[0], count: 0 }
  return { timestamp, count: Math.max(1, delivered.filter((each) => each === timestamp).length) }
}

const rangeOf = ({ since, tail }: HistoryRequest): HistoryRange => ({
  ...(tail === undefined ? {} : { tail }),
  ...(since === undefined ? {} : { since })
})

/** Finds where viewers start in the log of one container. */
export class KeptStarts {
  constructor(
    private readonly store: LogStoreShape,
    private readonly kept: KeptContainer
  ) {}

  /** Where the history that was asked for begins. */
  find({ position, since, tail }: HistoryRequest): Effect.Effect<KeptStart, ReadError> {
    if (position === undefined) return this.byRange(rangeOf({ since, tail }))
    const parsed = parsePosition(position)
    if (parsed?.kept?.containerId === this.containerId) return Effect.succeed({ cursor: parsed.kept.cursor })
    if (parsed?.request !== undefined) return this.byRange(parsed.request)
    const log = logPositionOf(position)
    return log === undefined ? this.end : this.byLogPosition(log)
  }

  /** The position in front of what follows a start. */
  positionOf({ cursor }: KeptStart, { position, since, tail }: HistoryRequest): string {
    if (cursor !== undefined) return keptPosition({ containerId: this.containerId, cursor })
    return position ?? requestPosition(rangeOf({ since, tail }))
  }

  private get containerId(): string {
    return this.kept.generation.containerId
  }

  /** The records of the container. */
  private records(range: Omit<LogRange, "source" | "containerId">): Stream.Stream<StoredRecord, ReadError> {
    const { containerId } = this
    return this.store
      .read({ ...range, source: this.kept.source.id, containerId })
      .pipe(Stream.flattenIterables, Stream.filter(isRecord))
  }

  private byRange({ since, tail }: HistoryRange): Effect.Effect<KeptStart, ReadError> {
    const from = since === undefined ? {} : { from: timeOf(since) }
    if (tail === undefined) return Effect.succeed(from)
    const first = this.records({ direction: "backward", ...from }).pipe(
      Stream.filter(isLine),
      Stream.drop(Math.max(0, tail - 1)),
      Stream.runHead
    )
    return Effect.map(
      first,
      Option.match({
        onNone: () => from,
        onSome: ({ cursor }) => ({ cursor: tail === 0 ? cursor : cursorInFrontOf(cursor, "forward") })
      })
    )
  }

  /** A position of which nothing is known: nothing is sent twice. */
  private get end(): Effect.Effect<KeptStart, ReadError> {
    const gap = "The server was restarted since then, so it can't tell which lines are missing."
    return Effect.map(
      Stream.runHead(this.records({ direction: "backward" })),
      Option.match({ onNone: () => ({ gap }), onSome: ({ cursor }) => ({ cursor, gap }) })
    )
  }

  private byLogPosition(position: LogPosition): Effect.Effect<KeptStart, ReadError> {
    const { count, timestamp } = lastDelivered(position)
    if (timestamp === undefined) return this.withoutMarks({}, position)
    const among = this.records({ direction: "forward", from: timestamp, to: nextNanosecond(timestamp) }).pipe(
      Stream.filter(isLine),
      Stream.drop(Math.max(0, count - 1)),
      Stream.runHead
    )
    return Effect.flatMap(
      among,
      Option.match({
        onSome: ({ cursor }) =>
          this.withoutMarks({ cursor: count === 0 ? cursorInFrontOf(cursor, "forward") : cursor }, position),
        onNone: () => this.afterTime(timestamp)
      })
    )
  }

  /** The line of the position is not kept. */
  private afterTime(timestamp: string): Effect.Effect<KeptStart, ReadError> {
    const gap = "What follows the requested position directly is not kept."
    return Effect.map(
      Stream.runHead(Stream.filter(this.records({ direction: "forward", from: nextNanosecond(timestamp) }), isLine)),
      Option.match({
        onNone: () => ({ from: nextNanosecond(timestamp), gap }),
        onSome: ({ cursor }) => ({ cursor: cursorInFrontOf(cursor, "forward"), gap })
      })
    )
  }

  /** The same start, behind the marks that the client has seen. */
  private withoutMarks(start: KeptStart, { state }: LogPosition): Effect.Effect<KeptStart, ReadError> {
    const { run } = state
    if (run === undefined) return Effect.succeed(start)
    const isSeen = (item: StoredRecord): boolean => {
      if (item._tag !== "StoredMark") return false
      const { mark, timestamp } = item.mark
      if (mark === "started") return timestamp <= run.startedAt
      return mark === "stopped" && (run.ended || timestamp < run.startedAt)
    }
    return this.records({ direction: "forward", ...start, limit: 10 }).pipe(
      Stream.takeWhile(isSeen),
      Stream.runLast,
      Effect.map(Option.match({ onNone: () => start, onSome: ({ cursor }) => ({ ...start, cursor }) }))
    )
  }
}
