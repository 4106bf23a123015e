import type {
  ContainerLogMark,
  ContainerStats,
  ContainerStatusChange,
  DockerLog,
  DockerLogComplete,
  DockerProgress,
  EngineStatus,
  Gap,
  Joined,
  Left,
  Status,
  WireError,
  WirePart,
  WireStream
} from "../Wire.js"

/** One line, in the shape that pages have always had. What does not apply is null. */
export interface DockerLogEvent {
  /** The run of an operation; null for a container's own log. */
  readonly log_id: string | null
  /** `pull_image`, `run_compose`, ...; `container_logs` for a container's own log. */
  readonly operation_type: string
  readonly config_id: string | number | null
  /** As the application asked for it. */
  readonly container_id: string | null
  readonly image_name: string | null
  readonly line: string
  /** ISO 8601 with `Z`. */
  readonly timestamp: string
  readonly status: string
  readonly stream: WireStream
  /** Only on a line that is longer than 1 MiB and so comes in several. */
  readonly part?: WirePart
}

/** Everything that can be listened to, and what a listener gets. */
export interface SocketEvents {
  /** The connection stands, and the rooms were asked for again. `reconnected` is false the first time. */
  readonly connect: { readonly reconnected: boolean }
  /** The connection is gone. `reconnects` says whether the client comes back by itself. */
  readonly disconnect: { readonly code: number; readonly reason: string; readonly reconnects: boolean }
  /** The next attempt to connect is made in `delay` milliseconds. */
  readonly reconnecting: { readonly attempt: number; readonly delay: number }
  /** One line. */
  readonly docker_log: DockerLogEvent
  /** The same lines as `docker_log`, as they travelled: one call for many, for pages that show a great deal. */
  readonly docker_log_batch: DockerLog["data"]
  readonly docker_progress: DockerProgress["data"]
  readonly docker_log_complete: DockerLogComplete["data"]
  readonly container_log_mark: ContainerLogMark["data"]
  readonly container_status_change: ContainerStatusChange["data"]
  readonly container_stats: ContainerStats["data"]
  readonly engine_status: EngineStatus["data"]
  /** Something of a room is missing and never comes. */
  readonly gap: Gap["data"]
  readonly joined: Joined["data"]
  readonly left: Left["data"]
  readonly status: Status["data"]
  /** The server did not like a message, or does not let the client in (`not_allowed`, `not_this_protocol`, `closed`). */
  readonly error: WireError["data"]
}

/** Where in its room an event stands. */
export interface EventOrigin {
  /** As the application asked for it. */
  readonly room: string
  /** As the server calls it. */
  readonly canonical: string
  /** The event's number in the room; missing where it has none. */
  readonly seq?: number
}

/** Called with an event's data and, if it came from a room, with its place there. */
export type Listener<E extends keyof SocketEvents> = (data: SocketEvents[E], origin?: EventOrigin) => void
