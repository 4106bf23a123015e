/** The replies to a request to join a room. */
import * as Metric from "effect/Metric"
import type { Ring } from "../../rooms/Ring.js"
import type { Viewer } from "../../rooms/Viewer.js"
import type { GapMessage, JoinedMessage } from "../../Wire.js"
import { randomBytes } from "node:crypto"

/** What `joined` reports beyond the state of the ring. */
export interface JoinReply {
  /** The room as the client named it. */
  readonly requestedRoom: string
  /** The position before the first event that follows. */
  readonly position: string
  readonly recovered: boolean
  /** Default: that of the ring. */
  readonly epoch?: string
}

/** Sends `joined` and `status`. */
export const sendJoined = (viewer: Viewer, ring: Ring, reply: JoinReply): void => {
  const { epoch = ring.epoch, position, recovered, requestedRoom } = reply
  const { oldest, room, seq } = ring
  const data: JoinedMessage["data"] = { room: requestedRoom, canonical: room, epoch, seq, oldest, recovered }
  viewer.send({ event: "joined", room, position, data })
  viewer.send({ event: "status", data: { msg: `Joined room: ${requestedRoom}` } })
}

const gaps = Metric.counter("dockwire_gaps_total", {
  description: "Gaps that viewers were told of: what they asked for is gone."
})

/** Sends a `gap`: `from` and `to` are the first and the last missing `seq`, where they are known. */
export const sendGap = (
  viewer: Viewer,
  room: string,
  gap: {
    readonly from?: number | undefined
    readonly to?: number | undefined
    readonly lines?: number
    readonly reason: string
  }
): void => {
  const { from = null, lines, reason, to = null } = gap
  const data: GapMessage["data"] = { room, from, to, ...(lines === undefined ? {} : { lines }), reason }
  viewer.send({ event: "gap", room, data })
  gaps.unsafeUpdate(1, [])
}

/** The `seq` before the oldest event that a room still has; `undefined` if it never had any. */
export const lastEvicted = (ring: Ring): number | undefined => (ring.seq === 0 ? undefined : ring.oldest - 1)

/** Events of a history may have no number. A client that resumes with them gets a new epoch, as numbers do not continue. */
export const epochAfterHistory = (epoch: string): string => `${epoch}-${randomBytes(4).toString("hex")}`
