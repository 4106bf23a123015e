import type { Ring } from "./Ring.js"
import type { Viewer } from "./Viewer.js"

/** A viewer's place in a room. */
export interface Membership {
  readonly viewer: Viewer
  readonly ring: Ring
  /** The first `seq` after the viewer joined: from here on events are delivered without a request for history. */
  readonly joinedAt: number
  /** The room's name in the client's latest request: it may contain a container's name or short id. */
  requestedRoom: string
  /** The `seq` of the next event to deliver. */
  next: number
  /** Whether delivery from the ring is suspended, because the viewer is being sent older history first. */
  suspended: boolean
  /** Whether anything was delivered from the ring since the viewer joined. */
  hasDelivered: boolean
  /** The position up to which the viewer has the room: before `next`, or within the history while suspended. */
  position: string
}
