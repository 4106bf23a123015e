import type {
  ContainerLogMarkMessage,
  ContainerStatsMessage,
  ContainerStatusChangeMessage,
  DockerLogMessage,
  DockerLogCompleteMessage,
  DockerProgressMessage,
  EngineStatus,
  GapMessage,
  JoinedMessage,
  LeftMessage,
  StatusMessage,
  ErrorMessage,
  WirePart,
  WireStream
} from "../Wire.js"
import type { ConnectFailure } from "./connection/ConnectFailure.js"

/**
 * One log line in the shape that pages written for Socket.IO expect. Fields that do not apply are null.
 *
 * @since 0.1.0
 * @category models
 */
export interface DockerLogEvent {
  /** The run of the operation, a UUID; null for a container's own log. */
  readonly log_id: string | null
  /** `pull_image`, `run_compose`, ...; `container_logs` for a container's own log. */
  readonly operation_type: string
  readonly config_id: string | number | null
  /** The id or name that the application subscribed with. */
  readonly container_id: string | null
  readonly image_name: string | null
  readonly line: string
  /** ISO 8601 with `Z`. */
  readonly timestamp: string
  readonly status: string
  readonly stream: WireStream
  /** Set only on parts of a line longer than 1 MiB. */
  readonly part?: WirePart
}

/**
 * The events of a `Socket` and the data that each passes to its listeners.
 *
 * @since 0.1.0
 * @category models
 */
export interface SocketEvents {
  /** The connection is open and all subscriptions were sent again. `reconnected` is false for the first connection. */
  readonly connect: { readonly reconnected: boolean }
  /**
   * An attempt to connect failed. The client keeps trying. In a browser, which does not tell pages why, this follows an HTTP
   * request that finds out.
   */
  readonly connect_error: ConnectFailure
  /** The connection closed. `reconnects` is true if the client will reconnect by itself. */
  readonly disconnect: { readonly code: number; readonly reason: string; readonly reconnects: boolean }
  /** The next attempt to connect starts in `delay` milliseconds. */
  readonly reconnecting: { readonly attempt: number; readonly delay: number }
  /** One log line. */
  readonly docker_log: DockerLogEvent
  /** The lines of `docker_log`, batched as they arrived: one call for many lines, for pages that show large logs. */
  readonly docker_log_batch: DockerLogMessage["data"]
  readonly docker_progress: DockerProgressMessage["data"]
  readonly docker_log_complete: DockerLogCompleteMessage["data"]
  readonly container_log_mark: ContainerLogMarkMessage["data"]
  readonly container_status_change: ContainerStatusChangeMessage["data"]
  readonly container_stats: ContainerStatsMessage["data"]
  readonly engine_status: EngineStatus
  /** Part of a room's history was lost and will not be delivered. */
  readonly gap: GapMessage["data"]
  readonly joined: JoinedMessage["data"]
  readonly left: LeftMessage["data"]
  readonly status: StatusMessage["data"]
  /** The server rejected a message, or the client itself (`not_allowed`, `not_this_protocol`, `closed`). */
  readonly error: ErrorMessage["data"]
}

/**
 * The position of an event within its room.
 *
 * @since 0.1.0
 * @category models
 */
export interface EventOrigin {
  /** The room's name as the application subscribed to it. */
  readonly room: string
  /** The room's canonical name. */
  readonly canonical: string
  /** The event's sequence number in the room, if it has one. */
  readonly seq?: number
}

/**
 * Receives an event's data and, for an event that belongs to a room, its origin.
 *
 * @since 0.1.0
 * @category models
 */
export type Listener<E extends keyof SocketEvents> = (data: SocketEvents[E], origin?: EventOrigin) => void
