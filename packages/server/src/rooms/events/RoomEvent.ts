import type { LogPosition } from "@dockwire/core/LogPosition"

/** The fields that all lines of one `docker_log` message share, as JSON of its `data` without the closing brace. */
export interface LineHead {
  readonly json: string
  /** The run that the lines belong to: its log id. */
  readonly run?: string
}

/** What a report of progress is about: an item of a run. */
export interface ProgressItem {
  /** Log id. */
  readonly run: string
  readonly id: string
}

/** An event of a room, encoded. */
export interface RoomEvent {
  /** The `event` of the wire message: `docker_log` for a line. */
  readonly event: string
  /** Set on lines only. Consecutive lines with the same head are sent as one message. */
  readonly head?: LineHead
  /** Set on progress only. A later report about the same item replaces this one wherever the room is replayed. */
  readonly item?: ProgressItem
  /** JSON of a line's `WireLine`, or of the `data` of any other event. */
  readonly json: string
  /** The position in the engine's log after this event. */
  readonly logPosition?: LogPosition
  /** The event's `order` in the history of operations. */
  readonly order?: number
}
