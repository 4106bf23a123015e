/**
 * The messages from client to server, told apart by `event`.
 *
 * @since 0.1.0
 */

/**
 * Join a room: receive its events from now on or, with a position, every event after that position first.
 *
 * @since 0.1.0
 * @category models
 */
export interface JoinMessage {
  readonly event: "join"
  readonly data: { readonly room: string; readonly position?: string }
}

/**
 * Leave a room.
 *
 * @since 0.1.0
 * @category models
 */
export interface LeaveMessage {
  readonly event: "leave"
  readonly data: { readonly room: string }
}

/**
 * Follow a container's log in its room.
 *
 * @since 0.1.0
 * @category models
 */
export interface StreamContainerLogsMessage {
  readonly event: "stream_container_logs"
  readonly data: {
    /** Full id, short id or name. */
    readonly container_id: string
    /** How many past lines to send first. Default: `defaultTail`. Ignored with a `position`. */
    readonly tail?: number
    /** Only lines from this time on: RFC 3339, or seconds since the epoch. Ignored with a `position`. */
    readonly since?: string | number
    /** The last position received: resume after it. */
    readonly position?: string
    /** Sent by old pages; must be `container_logs_*` of this container. */
    readonly room?: string
  }
}

/**
 * Stop following a container's log.
 *
 * @since 0.1.0
 * @category models
 */
export interface StopContainerLogsMessage {
  readonly event: "stop_container_logs"
  readonly data: { readonly container_id: string; readonly room?: string }
}

/**
 * Follow a container's stats in its room.
 *
 * @since 0.1.0
 * @category models
 */
export interface StreamContainerStatsMessage {
  readonly event: "stream_container_stats"
  readonly data: {
    readonly container_id: string
    /** Time between two readings, in milliseconds. Default: `defaultStatsInterval`. */
    readonly interval?: number
  }
}

/**
 * Stop following a container's stats.
 *
 * @since 0.1.0
 * @category models
 */
export interface StopContainerStatsMessage {
  readonly event: "stop_container_stats"
  readonly data: { readonly container_id: string }
}

/**
 * A message from client to server. One per frame.
 *
 * @since 0.1.0
 * @category models
 */
export type ClientMessage =
  | JoinMessage
  | LeaveMessage
  | StreamContainerLogsMessage
  | StopContainerLogsMessage
  | StreamContainerStatsMessage
  | StopContainerStatsMessage
