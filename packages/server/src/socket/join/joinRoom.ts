/** Joins a room whose only history is its ring. */
import type { LogPosition } from "@dockwire/core/LogPosition"
import * as Effect from "effect/Effect"
import { formatPosition, logPositionOf } from "../../rooms/RoomPosition.js"
import type { HubShape } from "../../rooms/Hub.js"
import type { Membership } from "../../rooms/Membership.js"
import type { Ring } from "../../rooms/Ring.js"
import type { Viewer } from "../../rooms/Viewer.js"
import { containerLogsRoom, defaultTail } from "../../Wire.js"
import { lastEvicted, sendGap, sendJoined } from "./roomReplies.js"

/** Joins a room. With a position, replays what came after it; what the ring no longer has is reported as a `gap`. */
export const joinRoom = (
  hub: HubShape,
  viewer: Viewer,
  room: string,
  requestedRoom: string,
  position: string | undefined
): void => {
  const wasMember = viewer.membership(room) !== undefined
  joinFromRing(hub.join(viewer, room, requestedRoom), wasMember ? undefined : position)
}

/** Answers a viewer that has joined, and replays what came after the position. */
export const joinFromRing = (membership: Membership, position: string | undefined): void => {
  const { requestedRoom, ring, viewer } = membership
  const { room } = ring
  if (position === undefined) {
    return sendJoined(viewer, ring, { requestedRoom, position: membership.position, recovered: true })
  }
  const last = ring.seqOfRoomPosition(position)
  if (last !== undefined && last + 1 >= ring.oldest) {
    sendJoined(viewer, ring, { requestedRoom, position, recovered: true })
    return viewer.resume(membership, last + 1, position)
  }
  const oldest = ring.positionBefore(ring.oldest)
  sendJoined(viewer, ring, { requestedRoom, position: oldest, recovered: false })
  sendGap(viewer, room, {
    from: last === undefined ? undefined : last + 1,
    to: lastEvicted(ring),
    reason:
      last === undefined
        ? "The server was restarted or dropped this room since then, so it can't tell which events are missing."
        : "These events are no longer available: the server keeps only the most recent events of a room."
  })
  viewer.resume(membership, ring.oldest, oldest)
}

/**
 * Joins a container's room from its next event on. If nobody follows the container, its room has no position in the engine's
 * log: `findLogEnd` finds it then, so that the viewer can resume from there.
 */
export const joinContainerRoom = (
  hub: HubShape,
  viewer: Viewer,
  request: { readonly containerId: string; readonly requestedRoom: string },
  findLogEnd: Effect.Effect<LogPosition | undefined>
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { containerId, requestedRoom } = request
    const room = containerLogsRoom(containerId)
    const wasMember = viewer.membership(room) !== undefined
    const membership = hub.join(viewer, room, requestedRoom)
    const { next, position, ring } = membership
    if (wasMember || ring.logBefore(next) !== undefined) {
      sendJoined(viewer, ring, { requestedRoom, position, recovered: true })
      return Effect.void
    }
    membership.suspended = true
    return Effect.map(findLogEnd, (logEnd) => {
      if (!viewer.has(membership)) return
      const log = ring.logBefore(next) ?? logEnd
      const place = log === undefined ? { request: { tail: 0 } } : { log: log.toString() }
      const joinedAt = formatPosition({ epoch: ring.epoch, seq: next - 1, ...place })
      sendJoined(viewer, ring, { requestedRoom, position: joinedAt, recovered: true })
      viewer.resume(membership, next, joinedAt)
    })
  })

/** Where the last event at or before the position is in the ring of a container. */
const seqOfPosition = (ring: Ring, position: string): number | undefined => {
  const seq = ring.seqOfRoomPosition(position)
  if (seq !== undefined) return seq
  const logPosition = logPositionOf(position)
  return logPosition === undefined ? undefined : ring.seqOfLogPosition(logPosition)
}

/**
 * Whether the ring of a container's room has all that comes after the position, or lines if there is none; also if it is
 * being sent already.
 */
export const hasRing = (hub: HubShape, viewer: Viewer, containerId: string, position: string | undefined): boolean => {
  const room = containerLogsRoom(containerId)
  if (viewer.membership(room) !== undefined) return true
  const ring = hub.findRing(room)
  if (ring?.logPosition === undefined) return false
  const last = position === undefined ? ring.seq : seqOfPosition(ring, position)
  return last !== undefined && last + 1 >= ring.oldest
}

/**
 * Joins the room of a container that no longer exists, and replays what its ring still has. Returns false if there is neither
 * a ring nor a position to resume from.
 */
export const joinRemovedContainer = (
  hub: HubShape,
  viewer: Viewer,
  request: { readonly containerId: string; readonly requestedRoom: string; readonly position: string | undefined },
  /** The error from the engine, which says that the container does not exist. */
  notFound: string
): boolean => {
  const { containerId, position, requestedRoom } = request
  const room = containerLogsRoom(containerId)
  const current = viewer.membership(room)
  if (current !== undefined) {
    // What is being sent to the client goes on.
    current.requestedRoom = requestedRoom
    sendJoined(viewer, current.ring, { requestedRoom, position: current.position, recovered: true })
    return true
  }
  const ring = hub.findRing(room)
  if (ring === undefined) {
    if (position === undefined) return false
    const data = { room: requestedRoom, canonical: room, epoch: "", seq: 0, oldest: 1, recovered: false }
    viewer.send({ event: "joined", room, position, data })
    sendGap(viewer, room, { reason: notFound })
    return true
  }
  const last = position === undefined ? undefined : seqOfPosition(ring, position)
  const isLost = position !== undefined && (last === undefined || last + 1 < ring.oldest)
  const firstOfTail = Math.max(ring.oldest, ring.lastLines(defaultTail).from)
  const from = position === undefined ? firstOfTail : isLost ? ring.oldest : (last ?? 0) + 1
  const membership = hub.join(viewer, room, requestedRoom)
  sendJoined(viewer, ring, { requestedRoom, position: ring.positionBefore(from), recovered: !isLost })
  if (isLost) {
    sendGap(viewer, room, {
      from: last === undefined ? undefined : last + 1,
      to: lastEvicted(ring),
      reason: "The container was removed, and the server keeps only its most recent lines."
    })
  }
  viewer.resume(membership, from, ring.positionBefore(from))
  return true
}
