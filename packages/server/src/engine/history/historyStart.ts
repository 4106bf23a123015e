/** Where a viewer starts in a container's log: in the room's ring, or before it. */
import type { LogPosition } from "@dockwire/core/LogPosition"
import { isLogStart, positionKey } from "../../rooms/logPositionKeys.js"
import type { Ring } from "../../rooms/Ring.js"
import { lineTimestamp } from "../../rooms/RingItems.js"
import { type HistoryRange, logPositionOf, parsePosition } from "../../rooms/RoomPosition.js"
import type { Follower } from "../ContainerFollower.js"

/** The history that a client asks for. */
export interface HistoryRequest {
  /** The number of last lines. Default: all if `since` is given, else none. */
  readonly tail?: number | undefined
  /** RFC 3339, or seconds since the epoch. */
  readonly since?: string | undefined
  /** The `position` to resume after; overrides the other two. */
  readonly position?: string | undefined
}

/** Where reading from the engine starts. */
export interface EngineStart extends HistoryRange {
  /** Overrides the other two. */
  readonly position?: LogPosition
}

/** Where a viewer starts. */
export type HistoryStart = {
  /** Why lines before the start may be missing, if the requested position doesn't tell. */
  readonly gap?: string
} & (
  | {
      /** In the ring, at the event with the `seq` `from`. */
      readonly _tag: "Ring"
      readonly from: number
      readonly recovered: boolean
    }
  /** With lines read from the engine, up to the first that is in the ring. */
  | { readonly _tag: "Engine"; readonly options: EngineStart }
)

/** Normalizes a `since` to ISO 8601. */
const sinceTimestamp = (since: string): string => {
  const date = /^\d+(\.\d+)?$/.test(since) ? new Date(Number(since) * 1000) : new Date(since)
  return Number.isNaN(date.getTime()) ? since : date.toISOString()
}

/** The `seq` of the first line since then, if the ring also has a line from before: otherwise more may be missing. */
const seqSince = (ring: Ring, since: string, tail: number | undefined): number | undefined => {
  const timestamp = sinceTimestamp(since)
  let hasEarlier = false
  for (let seq = ring.oldest; seq <= ring.seq; seq++) {
    const line = ring.line(seq)
    if (line === undefined) continue
    // Compares milliseconds only. Lines within the same millisecond are left to the engine.
    if (lineTimestamp(line).slice(0, 23) < timestamp.slice(0, 23)) hasEarlier = true
    else return hasEarlier ? Math.max(seq, tail === undefined ? 0 : ring.lastLines(tail).from) : undefined
  }
  return hasEarlier ? ring.seq + 1 : undefined
}

/** The `seq` of the first of the last `tail` lines, if the ring has all of them. */
const seqOfTail = (ring: Ring, follower: Follower, tail: number): number | undefined => {
  const { from, lines } = ring.lastLines(tail)
  if (lines === tail) return from
  return ring.oldest === 1 && follower.tail >= tail ? 1 : undefined
}

const startWithoutPosition = (ring: Ring, follower: Follower, request: HistoryRequest): HistoryStart => {
  const { since, tail } = request
  const from = since === undefined ? seqOfTail(ring, follower, tail ?? 0) : seqSince(ring, since, tail)
  if (from !== undefined) return { _tag: "Ring", from, recovered: true }
  // The follower has loaded and published nothing: the log is empty.
  const hasAll = follower.tail > 0 || (follower.position !== undefined && isLogStart(follower.position))
  if (ring.seq === 0 && hasAll) return { _tag: "Ring", from: 1, recovered: true }
  const options = { ...(tail === undefined ? {} : { tail }), ...(since === undefined ? {} : { since }) }
  return { _tag: "Engine", options }
}

const unknownPosition =
  "The server can't tell which lines are missing: the position is not one that it knows. Request the log without one."

/** Starts without a known position: with what the client asked for at first, if the position says what that was. */
const startAgain = (
  ring: Ring,
  follower: Follower,
  request: HistoryRequest,
  before: HistoryRange | undefined
): HistoryStart => {
  if (before === undefined) return { ...startWithoutPosition(ring, follower, request), gap: unknownPosition }
  const start = startWithoutPosition(ring, follower, before)
  if (before.tail === undefined) return start
  const gap =
    `The connection was lost before the log could be read. The last ${before.tail} lines are counted from now, ` +
    "so that older ones may be missing."
  return { ...start, gap }
}

/**
 * Decides where a viewer starts. Await `follower.loaded` first, so that the ring has at least the last line of the log: that
 * is where history from the engine joins the ring.
 */
export const historyStart = (ring: Ring, follower: Follower, request: HistoryRequest): HistoryStart => {
  if (request.position === undefined) return startWithoutPosition(ring, follower, request)
  const last = ring.seqOfRoomPosition(request.position)
  if (last !== undefined && last + 1 >= ring.oldest) return { _tag: "Ring", from: last + 1, recovered: true }
  const logPosition = logPositionOf(request.position)
  if (logPosition === undefined) return startAgain(ring, follower, request, parsePosition(request.position)?.request)
  const seq = ring.seqOfLogPosition(logPosition)
  if (seq !== undefined) return { _tag: "Ring", from: seq + 1, recovered: true }
  const isStart = follower.position !== undefined && positionKey(follower.position) === positionKey(logPosition)
  if (isStart && ring.oldest === 1) return { _tag: "Ring", from: 1, recovered: !follower.startedWithGap() }
  return { _tag: "Engine", options: { position: logPosition } }
}
