/**
 * The messages from server to client, told apart by `event`.
 *
 * @since 0.1.0
 */
import type { EngineStatus } from "../EngineStatus.js"
import type { ContainerStatsMessage } from "./ContainerStatsMessage.js"

/**
 * What every message that belongs to a room's history carries.
 *
 * @since 0.1.0
 * @category models
 */
export interface RoomMessage {
  /** The room's canonical name. */
  readonly room: string
  /**
   * 1, 2, 3, ... within an epoch. For a `docker_log`, the number of its first line. Absent from history that only this
   * viewer receives because it is older than the ring.
   */
  readonly seq?: number
  /**
   * How many events directly before this one, `seq - superseded` to `seq - 1`, are not sent, because they were progress that a
   * later `docker_progress` of the same item replaces. Absent if there are none.
   */
  readonly superseded?: number
  /** Opaque. Join with it to resume after this message. */
  readonly position: string
}

/**
 * Where a line was written. `system` is a message of the operation itself.
 *
 * @since 0.1.0
 * @category models
 */
export type WireStream = "stdout" | "stderr" | "system"

/**
 * Marks a part of a line longer than 1 MiB, which is sent in several parts.
 *
 * @since 0.1.0
 * @category models
 */
export interface WirePart {
  /** Counts from 1. */
  readonly index: number
  /** Whether this part ends the line. */
  readonly last: boolean
}

/**
 * A line. The timestamp is ISO 8601 with `Z`.
 *
 * @since 0.1.0
 * @category models
 */
export type WireLine =
  | readonly [timestamp: string, stream: WireStream, text: string]
  | readonly [timestamp: string, stream: WireStream, text: string, part: WirePart]

/**
 * What all messages of one run of an operation have in common.
 *
 * @since 0.1.0
 * @category models
 */
export interface OperationData {
  /** A UUID. */
  readonly log_id: string
  /** `pull_image`, `run_compose`, ... */
  readonly operation_type: string
  readonly config_id: string | number | null
  readonly container_id: string | null
  readonly image_name: string | null
}

/**
 * How an operation ended.
 *
 * @since 0.1.0
 * @category models
 */
export type OperationEnd = "completed" | "failed" | "interrupted"

/**
 * What the lines of a container have in common.
 *
 * @since 0.1.0
 * @category models
 */
export interface ContainerLogData {
  /** The full id. */
  readonly container_id: string
  readonly name: string
  readonly operation_type: "container_logs"
  readonly status: "running"
}

/**
 * What the lines of an operation have in common.
 *
 * @since 0.1.0
 * @category models
 */
export interface OperationLogData extends OperationData {
  readonly status: "running"
}

/**
 * Lines of a room, in order.
 *
 * @since 0.1.0
 * @category models
 */
export interface DockerLogMessage extends RoomMessage {
  readonly event: "docker_log"
  readonly data: (ContainerLogData | OperationLogData) & { readonly lines: ReadonlyArray<WireLine> }
}

/**
 * What a part of an operation is: a resource of a compose project, a layer of an image, or a step of a build. Its `parent` is
 * the name of the part that it belongs to: the service of a layer, the stage of a step.
 *
 * @since 0.1.0
 * @category models
 */
export interface WireResource {
  /** `container`, `network`, `volume`, `image`, `service`, `config`, `secret`, `layer` or `step`. */
  readonly kind: string
  readonly name: string
  readonly parent?: string
  /** What is said besides the status, such as an error. */
  readonly detail?: string
}

/**
 * The progress of a part of an operation.
 *
 * @since 0.1.0
 * @category models
 */
export interface DockerProgressMessage extends RoomMessage {
  readonly event: "docker_progress"
  readonly data: OperationData & {
    /** The part: a layer or a service. */
    readonly id: string
    readonly status: string
    readonly current?: number
    readonly total?: number
    /** How much of the whole operation is done, from 0 to 1, if that is known. */
    readonly fraction?: number
    /** Absent where the `id` says all there is. */
    readonly resource?: WireResource
    readonly timestamp: string
  }
}

/**
 * Why an operation failed, for programs: the tag of the error, such as `ComposeFailed`, and its fields. Where they are known,
 * those are `reason`, `service`, `file` and `line`, `step` of a build, `exit_code`, `last_lines` (at most 20), and more.
 *
 * @since 0.1.0
 * @category models
 */
export interface OperationFailureData {
  readonly tag: string
  readonly [field: string]: string | number | boolean | ReadonlyArray<string>
}

/**
 * An operation ended. Sent exactly once per operation and room.
 *
 * @since 0.1.0
 * @category models
 */
export interface DockerLogCompleteMessage extends RoomMessage {
  readonly event: "docker_log_complete"
  readonly data: OperationData & {
    readonly success: boolean
    readonly status: OperationEnd
    /** Why it failed, for people to read. */
    readonly error?: string
    readonly failure?: OperationFailureData
    readonly timestamp: string
  }
}

/**
 * Something happened to a container between two lines of its log.
 *
 * @since 0.1.0
 * @category models
 */
export interface ContainerLogMarkMessage extends RoomMessage {
  readonly event: "container_log_mark"
  readonly data:
    | {
        readonly container_id: string
        readonly mark: "started" | "removed" | "recreated"
        readonly timestamp: string
      }
    | {
        readonly container_id: string
        readonly mark: "stopped"
        /** Absent if the engine no longer knows it. */
        readonly exit_code?: number
        readonly timestamp: string
      }
    | {
        readonly container_id: string
        readonly mark: "engine_error"
        /** The engine's own message. */
        readonly message: string
        readonly timestamp: string
      }
}

/**
 * Events that the client asked for are lost and will not be delivered. Has a `seq` if the gap is part of the room's history.
 *
 * @since 0.1.0
 * @category models
 */
export interface GapMessage {
  readonly event: "gap"
  /** The room's canonical name. */
  readonly room: string
  readonly seq?: number
  readonly position?: string
  readonly data: {
    /** The room's canonical name. */
    readonly room: string
    /** The `seq` of the first missing event, or the time after which lines are missing; null if unknown. */
    readonly from: number | string | null
    /** The `seq` of the last missing event, or the time before which lines are missing; null if unknown. */
    readonly to: number | string | null
    /** The number of missing lines, if known. */
    readonly lines?: number
    /** Why they are missing, for people to read. */
    readonly reason: string
  }
}

/**
 * The answer to `join` and `stream_*`. Sent before any event of the room, replayed ones included.
 *
 * @since 0.1.0
 * @category models
 */
export interface JoinedMessage {
  readonly event: "joined"
  /** The room's canonical name. */
  readonly room: string
  /** Where the events that follow begin. Resume with it if the connection is lost before any of them arrives. */
  readonly position: string
  readonly data: {
    /**
     * The room as requested. For `stream_container_logs` its `room`, or `container_logs_<container_id>` with the id as
     * requested; for `stream_container_stats` likewise.
     */
    readonly room: string
    readonly canonical: string
    /** When this changes, `seq` starts again from 1. */
    readonly epoch: string
    /** The `seq` of the room's last event at the time of joining; 0 if it had none. */
    readonly seq: number
    /** The lowest `seq` that the ring still has; `seq + 1` if it is empty. */
    readonly oldest: number
    /** False if events after the requested position are lost, which a `gap` then describes. True without a position. */
    readonly recovered: boolean
  }
}

/**
 * The answer to `leave` and `stop_*`.
 *
 * @since 0.1.0
 * @category models
 */
export interface LeftMessage {
  readonly event: "left"
  readonly room?: string
  readonly data: {
    /** The room as requested, as in `JoinedMessage`. */
    readonly room: string
  }
}

/**
 * The state or the name of a container changed, or an action on it failed. Sent to every connection.
 *
 * @since 0.1.0
 * @category models
 */
export interface ContainerStatusChangeMessage {
  readonly event: "container_status_change"
  readonly room?: string
  readonly data: {
    readonly container_id: string
    /** The container's name now: after a `rename` the new one. */
    readonly name: string
    /** `running`, `stopped`, `paused`, ... */
    readonly status: string
    /** `start`, `stop`, `die`, `rename`, ... */
    readonly action: string
    readonly success: boolean
    /** Why it failed, for people to read. */
    readonly error?: string
    readonly timestamp: string
  }
}

/**
 * Whether the engine answers. Sent to every connection when it opens and after each change.
 *
 * @since 0.1.0
 * @category models
 */
export interface EngineStatusMessage {
  readonly event: "engine_status"
  readonly room?: string
  readonly data: EngineStatus
}

/**
 * A message for people to read.
 *
 * @since 0.1.0
 * @category models
 */
export interface StatusMessage {
  readonly event: "status"
  readonly room?: string
  readonly data: { readonly msg: string }
}

/**
 * The server rejected a message of the client.
 *
 * @since 0.1.0
 * @category models
 */
export interface ErrorMessage {
  readonly event: "error"
  readonly room?: string
  readonly data: {
    readonly code: string
    readonly message: string
    /** The event, room or container that the error is about, as the client named it. */
    readonly about?: string
  }
}

/**
 * A message from server to client.
 *
 * @since 0.1.0
 * @category models
 */
export type ServerMessage =
  | JoinedMessage
  | LeftMessage
  | GapMessage
  | DockerLogMessage
  | DockerProgressMessage
  | DockerLogCompleteMessage
  | ContainerLogMarkMessage
  | ContainerStatusChangeMessage
  | ContainerStatsMessage
  | EngineStatusMessage
  | StatusMessage
  | ErrorMessage

/**
 * A frame from server to client. An empty one is a heartbeat.
 *
 * @since 0.1.0
 * @category models
 */
export type ServerFrame = ReadonlyArray<ServerMessage>
