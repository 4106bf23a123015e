/** What a viewer gets of a container's log before the live lines: from the room's ring, else read from the engine. */
import { LogPosition } from "@dockwire/core/LogPosition"
import type { LogLine, LogMark } from "@dockwire/core/LogEvent"
import type { FollowElement, FollowOptions, Logs, LogsError } from "@dockwire/core/Logs"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Follower } from "./Followers.js"
import { recordKey, positionKey } from "../rooms/comparePositions.js"
import { eventMessage, type LineHead, linesMessage, type Ring } from "../rooms/Ring.js"
import { containerLine, containerMark } from "../rooms/RoomEvents.js"
import { formatPosition, parsePosition } from "../rooms/RoomPosition.js"
import type { Membership } from "../rooms/Viewer.js"

/** What a viewer asks for. */
export interface HistoryRequest {
  /** The last so many lines; all where it is not given and `since` is. */
  readonly tail?: number | undefined
  readonly since?: string | undefined
  /** As the wire has it; overrides the others. */
  readonly position?: string | undefined
}

/** Where a viewer begins. */
export type HistoryStart =
  /** At this `seq` of the ring. */
  | { readonly _tag: "Ring"; readonly from: number; readonly recovered: boolean }
  /** With what the engine gives for this, up to where the ring goes on. */
  | { readonly _tag: "Engine"; readonly options: FollowOptions }

/** The point in the engine's log that a position of the wire holds. */
export const logPositionOf = (position: string): LogPosition | undefined => {
  const log = parsePosition(position)?.log
  return log === undefined ? undefined : Option.getOrUndefined(Effect.runSync(Effect.option(LogPosition.parse(log))))
}

const lineTime = (json: string): string => json.slice(2, json.indexOf('"', 2))

/** Normalises what clients send as `since`: digits are seconds since the epoch. */
const sinceText = (since: string): string => {
  const moment = /^\d+(\.\d+)?$/.test(since) ? new Date(Number(since) * 1000) : new Date(since)
  return Number.isNaN(moment.getTime()) ? since : moment.toISOString()
}

const startSince = (ring: Ring, since: string, tail: number | undefined): number | undefined => {
  const moment = sinceText(since)
  let before = false
  for (let seq = ring.oldest; seq <= ring.seq; seq++) {
    const item = ring.at(seq)
    if (item?.head === undefined) continue
    // Equal in the first milliseconds is not before: what lies in one millisecond is left to the engine.
    if (lineTime(item.json).slice(0, 23) < moment.slice(0, 23)) before = true
    else return before ? Math.max(seq, tail === undefined ? 0 : ring.lastLines(tail).from) : undefined
  }
  return before ? ring.seq + 1 : undefined
}

const startTail = (ring: Ring, follower: Follower, tail: number): number | undefined => {
  const { from, lines } = ring.lastLines(tail)
  if (lines === tail) return from
  return ring.oldest === 1 && follower.tail >= tail ? 1 : undefined
}

const freshStart = (ring: Ring, follower: Follower, request: HistoryRequest): HistoryStart => {
  const { since, tail } = request
  const from = since === undefined ? startTail(ring, follower, tail ?? 0) : startSince(ring, since, tail)
  if (from !== undefined) return { _tag: "Ring", from, recovered: true }
  // Nothing in the ring to join with, and nothing on its way: the log is empty.
  if (ring.seq === 0 && follower.tail > 0) return { _tag: "Ring", from: 1, recovered: true }
  const options = { ...(tail === undefined ? {} : { tail }), ...(since === undefined ? {} : { since }) }
  return { _tag: "Engine", options }
}

/**
 * Where a viewer begins. To be asked after `follower.loaded`, so that the ring has at least the log's last line, at which
 * older history is joined.
 */
export const historyStart = (ring: Ring, follower: Follower, request: HistoryRequest): HistoryStart => {
  if (request.position === undefined) return freshStart(ring, follower, request)
  const last = ring.seqOfRoomPosition(request.position)
  if (last !== undefined && last + 1 >= ring.oldest) return { _tag: "Ring", from: last + 1, recovered: true }
  const logPosition = logPositionOf(request.position)
  // A position from before the first line says nothing: what was asked for first counts again.
  if (logPosition === undefined) return freshStart(ring, follower, request)
  const seq = ring.seqOfLogPosition(logPosition)
  if (seq !== undefined) return { _tag: "Ring", from: seq + 1, recovered: true }
  const isStart = follower.position !== undefined && positionKey(follower.position) === positionKey(logPosition)
  if (isStart && ring.oldest === 1) return { _tag: "Ring", from: 1, recovered: !follower.beganWithGap() }
  return { _tag: "Engine", options: { position: logPosition } }
}

/** Finds in the ring what the engine gives. */
class Joint {
  private readonly exact = new Map<string, number>()
  private readonly loose = new Map<string, number>()
  private readonly marks = new Map<string, number>()
  private indexed = 0
  private readonly startKey: string | undefined

  constructor(
    private readonly ring: Ring,
    follower: Follower
  ) {
    this.indexed = ring.oldest - 1
    if (follower.position !== undefined) this.startKey = positionKey(follower.position)
  }

  /** Whether this is the last line before the first that the ring ever had. */
  isRightBefore(line: LogLine & { readonly position: LogPosition }): boolean {
    return this.ring.oldest === 1 && this.startKey !== undefined && positionKey(line.position) === this.startKey
  }

  /** The `seq` of this line or mark in the ring, where it is there. */
  find(element: FollowElement): number | undefined {
    const at = element._tag === "LogLine" ? this.findLine(element) : this.findMark(element)
    return at !== undefined && at >= this.ring.oldest ? at : undefined
  }

  private findMark(mark: LogMark): number | undefined {
    // A gap is none that the other follow must have.
    if (mark.mark === "gap") return undefined
    this.index()
    return this.marks.get(containerMark(mark).json)
  }

  private findLine(line: LogLine & { readonly position: LogPosition }): number | undefined {
    const first = this.firstTime()
    // What is older than the ring's first line can't be in it, but for streams that overtake each other by moments.
    if (first === undefined || line.timestamp.slice(0, 18) < first.slice(0, 18)) return undefined
    this.index()
    const exact = this.exact.get(positionKey(line.position))
    if (exact !== undefined) return exact
    return line.timestamp > first ? this.loose.get(recordKey(line.position)) : undefined
  }

  private firstTime(): string | undefined {
    for (let seq = this.ring.oldest; seq <= this.ring.seq; seq++) {
      const item = this.ring.at(seq)
      if (item?.head !== undefined) return lineTime(item.json)
    }
    return undefined
  }

  private index(): void {
    for (let seq = Math.max(this.indexed + 1, this.ring.oldest); seq <= this.ring.seq; seq++) {
      const item = this.ring.at(seq)
      if (item === undefined) continue
      if (item.event === "container_log_mark") this.note(this.marks, item.json, seq)
      if (item.head === undefined || item.logPosition === undefined) continue
      this.note(this.exact, positionKey(item.logPosition), seq)
      this.note(this.loose, recordKey(item.logPosition), seq)
    }
    this.indexed = this.ring.seq
    for (const places of [this.marks, this.exact, this.loose]) this.forget(places)
  }

  /** Of equal ones the first that is kept counts. */
  private note(places: Map<string, number>, key: string, seq: number): void {
    const known = places.get(key)
    if (known !== undefined && known >= this.ring.oldest) return
    places.delete(key)
    places.set(key, seq)
  }

  /** What the ring let go of; the oldest stand first. */
  private forget(places: Map<string, number>): void {
    for (const [key, seq] of places) {
      if (seq >= this.ring.oldest) return
      places.delete(key)
    }
  }
}

/** What is needed to read history for a viewer. */
export interface HistoryReader {
  readonly logs: Context.Tag.Service<typeof Logs>
  readonly follower: Follower
  readonly head: LineHead
  readonly membership: Membership
  /** Told of the first that comes: whether it is a gap. Nothing is sent before it is done. */
  readonly onFirst: (gap: boolean) => Effect.Effect<void>
  /** Done when the engine answers. */
  readonly whenAvailable: Effect.Effect<void>
}

const frameLines = 1_000

/** Sends a part of the ring to this viewer alone: lines from before it joined, without numbers, as it has seen later ones. */
const sendFromRing = (reader: HistoryReader, from: number, to: number): void => {
  const { position, ring, viewer } = reader.membership
  let lines: Array<string> = []
  const finish = () => {
    if (lines.length > 0)
      viewer.write(Buffer.from(`[${linesMessage(ring.room, undefined, position, reader.head, lines)}]`))
    lines = []
  }
  for (let seq = from; seq < to; seq++) {
    const item = ring.at(seq)
    if (item?.head !== undefined) lines.push(item.json)
    if (lines.length === frameLines) finish()
  }
  finish()
}

/**
 * The ring goes on here: with numbers where the viewer has seen none, else up to where it joined and then as it was.
 * `position` is the one right before.
 */
export const goOn = (reader: HistoryReader, from: number, position: string): void => {
  const { membership } = reader
  if (!membership.delivered) return membership.viewer.release(membership, from, position)
  sendFromRing(reader, from, membership.joinedAt)
  membership.viewer.release(membership, membership.next, membership.position)
}

/** As the wire has it: behind lines that have no place in a ring. */
const historyPosition = (position: LogPosition): string =>
  formatPosition({ epoch: "", seq: 0, log: position.toString() })

const isRemoved = (element: FollowElement | undefined): boolean =>
  element?._tag === "LogMark" && element.mark === "removed"

const sendElements = (reader: HistoryReader, elements: ReadonlyArray<FollowElement>): void => {
  const { membership } = reader
  const { ring, viewer } = membership
  const messages: Array<string> = []
  let lines: Array<string> = []
  let last: LogPosition | undefined
  const finish = () => {
    if (lines.length > 0 && last !== undefined) {
      messages.push(linesMessage(ring.room, undefined, historyPosition(last), reader.head, lines))
    }
    lines = []
  }
  for (const element of elements) {
    if (element._tag === "LogLine") lines.push(containerLine(element))
    else {
      finish()
      messages.push(eventMessage(ring.room, undefined, historyPosition(element.position), containerMark(element)))
    }
    last = element.position
  }
  finish()
  if (last === undefined) return
  if (!membership.delivered) membership.position = historyPosition(last)
  viewer.write(Buffer.from(`[${messages.join(",")}]`))
}

/**
 * Reads the engine's log for one viewer, at the viewer's pace, until it comes to a line that the ring has; there the ring
 * goes on. Nothing of the room goes out before.
 */
export const readHistory = (reader: HistoryReader, options: FollowOptions): Effect.Effect<void, LogsError> => {
  const { membership } = reader
  const { ring, viewer } = membership
  const joint = new Joint(ring, reader.follower)
  let started = false
  /** Where the viewer is, as far as the engine was read. */
  let sent = options.position instanceof LogPosition ? options.position : undefined

  /** How many of the elements come before the ring, and where it goes on. */
  const cut = (elements: ReadonlyArray<FollowElement>) => {
    for (const [index, element] of elements.entries()) {
      const at = joint.find(element)
      if (at !== undefined) return { count: index, at }
      if (element._tag === "LogLine" && joint.isRightBefore(element)) return { count: index + 1, at: 1 }
    }
    return { count: elements.length, at: undefined }
  }

  const send = (elements: ReadonlyArray<FollowElement>): Effect.Effect<void> =>
    Effect.forEach(
      Array.from({ length: Math.ceil(elements.length / frameLines) }, (_, index) => index * frameLines),
      (from) =>
        Effect.suspend(() => {
          sendElements(reader, elements.slice(from, from + frameLines))
          return viewer.whenWritable
        }),
      { discard: true }
    )

  const take = (batch: ReadonlyArray<FollowElement>): Effect.Effect<boolean> =>
    Effect.gen(function* () {
      if (!started) {
        started = true
        const first = batch[0]
        yield* reader.onFirst(first?._tag === "LogMark" && first.mark === "gap")
      }
      // The room's last mark stands in its ring, where another may follow.
      if (isRemoved(batch.at(-1))) yield* reader.follower.over
      let rest = batch
      for (;;) {
        const { at, count } = cut(rest)
        yield* send(count === rest.length ? rest : rest.slice(0, count))
        sent = rest[count - 1]?.position ?? sent
        if (at === undefined) return viewer.has(membership)
        // While it was being sent the ring may have let go of what follows; then the engine gives that too.
        if (at >= ring.oldest) {
          goOn(reader, at, sent === undefined ? ring.positionBefore(at) : historyPosition(sent))
          return false
        }
        rest = rest.slice(count)
      }
    })

  const read = (from: FollowOptions): Effect.Effect<void, LogsError> =>
    reader.logs.followBatches(reader.follower.containerId, from).pipe(
      Stream.mapEffect(take),
      Stream.takeWhile((more) => more),
      Stream.runDrain,
      // The container was removed, and nothing of what came is in the ring.
      Effect.tap(() => {
        if (membership.held) goOn(reader, ring.seq + 1, ring.positionAt(ring.seq))
      }),
      // It is only late: all is still there when the engine is back.
      Effect.catchTag("EngineUnavailable", () =>
        reader.whenAvailable.pipe(
          Effect.delay("250 millis"),
          Effect.andThen(Effect.suspend(() => read(sent === undefined ? from : { position: sent })))
        )
      )
    )

  return read(options)
}
