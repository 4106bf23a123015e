/**
 * What goes over the WebSocket, as types: the messages of both directions, discriminated by `event`, with the names of rooms and the codes
 * that a connection is closed with. Nothing here runs anything, so that the server, the client and a page can share it.
 *
 * A client sends one `ClientMessage` per frame. The server sends an array of `ServerMessage` per frame.
 */
import type { EngineStatus } from "./EngineStatus.js"

export type { EngineStatus } from "./EngineStatus.js"

/** Where the server listens for WebSockets. */
export const path = "/ws"

/** The subprotocol that both sides must name. */
export const subprotocol = "dockwire.v1"

/** A one-time ticket goes beside the subprotocol, under this prefix: `dockwire.ticket.<ticket>`. */
export const ticketPrefix = "dockwire.ticket."

/** The largest frame that the server reads from a client, in bytes. */
export const maxClientFrameBytes = 64 * 1024

/** The `tail` of `stream_container_logs` when none is asked for. */
export const defaultTail = 100

/** The `interval` of `stream_container_stats` when none is asked for, in milliseconds. */
export const defaultStatsInterval = 2000

/** Why the server closed a connection. */
export const CloseCode = {
  /** The server shuts down: come back later. */
  goingAway: 1001,
  /** The viewer reads too slowly: come back and resume. */
  tooSlow: 4008,
  /** No valid cookie, token or ticket: do not come back without one. */
  notAllowed: 4501,
  /** Not this protocol, or too many messages that are not of it. */
  notThisProtocol: 4502
} as const

/** Whether a client that was closed with this code should come back: everything but 4500 to 4999. */
export const shouldReconnect = (code: number): boolean => code < 4500 || code > 4999

/** The room of every operation. */
export const allOperationsRoom = "docker_logs"

/** The room of one run of an operation. */
export const operationRoom = (logId: string): string => `operation_${logId}`

/** The room of the operations on one compose file. */
export const configRoom = (configId: string | number): string => `docker_config_${configId}`

/** The room of the operations on one image: each `:` of its name becomes `_`. */
export const imageRoom = (imageName: string): string => `docker_image_${imageName.replaceAll(":", "_")}`

/** How the name of a room with a container's log begins. */
export const containerLogsPrefix = "container_logs_"

/** How the name of a room with a container's figures begins. */
export const containerStatsPrefix = "container_stats_"

/** The room of a container's log. Its canonical name has the full id. */
export const containerLogsRoom = (containerId: string): string => containerLogsPrefix + containerId

/** The room of a container's figures. Its canonical name has the full id. */
export const containerStatsRoom = (containerId: string): string => containerStatsPrefix + containerId

// Client to server

/** From now on the room's events; with a position, first all after it. */
export interface Join {
  readonly event: "join"
  readonly data: { readonly room: string; readonly position?: string }
}

/** No more of the room. */
export interface Leave {
  readonly event: "leave"
  readonly data: { readonly room: string }
}

/** Follow a container's log in its room. */
export interface StreamContainerLogs {
  readonly event: "stream_container_logs"
  readonly data: {
    /** Full id, short id or name. */
    readonly container_id: string
    /** How many of the last lines come first. `defaultTail` when missing; only asked for when there is no `position`. */
    readonly tail?: number
    /** Only lines from this moment on: RFC 3339, or seconds since the epoch. */
    readonly since?: string | number
    /** The last position seen: all after it comes, `tail` and `since` are then not looked at. */
    readonly position?: string
    /** Sent by old pages; must be `container_logs_*` of this container. */
    readonly room?: string
  }
}

/** Leave a container's log. */
export interface StopContainerLogs {
  readonly event: "stop_container_logs"
  readonly data: { readonly container_id: string; readonly room?: string }
}

/** Follow a container's figures in its room. */
export interface StreamContainerStats {
  readonly event: "stream_container_stats"
  readonly data: {
    readonly container_id: string
    /** Milliseconds between two figures. `defaultStatsInterval` when missing. */
    readonly interval?: number
  }
}

/** Leave a container's figures. */
export interface StopContainerStats {
  readonly event: "stop_container_stats"
  readonly data: { readonly container_id: string }
}

/** What a client says. */
export type ClientMessage =
  | Join
  | Leave
  | StreamContainerLogs
  | StopContainerLogs
  | StreamContainerStats
  | StopContainerStats

// Server to client

/** What stands beside `event` and `data` in a message that belongs to a room's history. */
export interface InRoom {
  /** The room's canonical name. */
  readonly room: string
  /** 1, 2, 3, ... within an epoch. Of a `docker_log`: that of its first line. Missing on what only this viewer gets, from before the ring. */
  readonly seq?: number
  /** Opaque: join with it to get all that came after this message. */
  readonly position: string
}

/** `system` is an operation's own voice. */
export type WireStream = "stdout" | "stderr" | "system"

/** Set on a line that is longer than 1 MiB and so comes in several. `index` counts from 1; `last` is true on the part that ends the line. */
export interface WirePart {
  readonly index: number
  readonly last: boolean
}

/** One line: ISO 8601 with `Z`, where it was written, its text, and which part of a very long line it is. */
export type WireLine =
  | readonly [timestamp: string, stream: WireStream, text: string]
  | readonly [timestamp: string, stream: WireStream, text: string, part: WirePart]

/** What the messages of one run of an operation share. */
export interface OperationData {
  /** A UUID. */
  readonly log_id: string
  /** `pull_image`, `run_compose`, ... */
  readonly operation_type: string
  readonly config_id: string | number | null
  readonly container_id: string | null
  readonly image_name: string | null
}

/** How an operation ended. */
export type OperationEnd = "completed" | "failed" | "interrupted"

/** What a container's lines share. */
export interface ContainerLogData {
  /** The full id. */
  readonly container_id: string
  readonly name: string
  readonly operation_type: "container_logs"
  readonly status: "running"
}

/** What an operation's lines share. */
export interface OperationLogData extends OperationData {
  readonly status: "running"
}

/** Lines of a room, in order. */
export interface DockerLog extends InRoom {
  readonly event: "docker_log"
  readonly data: (ContainerLogData | OperationLogData) & { readonly lines: ReadonlyArray<WireLine> }
}

/** How far a part of an operation has come. */
export interface DockerProgress extends InRoom {
  readonly event: "docker_progress"
  readonly data: OperationData & {
    /** The part: a layer, a service. */
    readonly id: string
    readonly status: string
    readonly current?: number
    readonly total?: number
    readonly timestamp: string
  }
}

/** An operation ended. Exactly once per operation and room. */
export interface DockerLogComplete extends InRoom {
  readonly event: "docker_log_complete"
  readonly data: OperationData & {
    readonly success: boolean
    readonly status: OperationEnd
    /** A sentence for a person, when it failed. */
    readonly error?: string
    readonly timestamp: string
  }
}

/** What happened to a container's log between its lines. */
export interface ContainerLogMark extends InRoom {
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
        /** Missing where the engine no longer knows it. */
        readonly exit_code?: number
        readonly timestamp: string
      }
    | {
        readonly container_id: string
        readonly mark: "engine_error"
        /** The engine's own words. */
        readonly message: string
        readonly timestamp: string
      }
}

/** A container's figures. */
export interface ContainerStatsMessage {
  readonly event: "container_stats"
  readonly room: string
  readonly seq?: number
  readonly position?: string
  readonly data: {
    readonly container_id: string
    readonly stats: Readonly<Record<string, unknown>>
    readonly timestamp: string
  }
}

/** Something that was asked for is not delivered and never will be. It has a `seq` where the gap is a part of the room's history. */
export interface Gap {
  readonly event: "gap"
  /** The room's canonical name. */
  readonly room: string
  readonly seq?: number
  readonly position?: string
  readonly data: {
    /** The room's canonical name. */
    readonly room: string
    /** The first that is missing: a `seq` where the room's numbers say it, else the moment after which lines are missing; null when unknown. */
    readonly from: number | string | null
    /** The last that is missing, or the moment before which lines are missing. */
    readonly to: number | string | null
    /** How many lines, where that is known. */
    readonly lines?: number
    /** A sentence for a person. */
    readonly reason: string
  }
}

/** The answer to `join` and to the `stream_*` messages: comes before anything of the room, and before what it replays. */
export interface Joined {
  readonly event: "joined"
  /** The room's canonical name. */
  readonly room: string
  /** From where what follows goes on: resume with it when the connection is cut before anything else came. */
  readonly position: string
  readonly data: {
    /** As asked. For `stream_container_logs` its `room`, or else `container_logs_<container_id as asked>`; the same way for figures. */
    readonly room: string
    readonly canonical: string
    /** `seq` starts again from 1 when this changes. */
    readonly epoch: string
    /** The `seq` of the last event that the room had when it was joined; 0 for none. */
    readonly seq: number
    /** The lowest `seq` that the ring still has; `seq + 1` when it has none. */
    readonly oldest: number
    /** False when something after the asked position is gone; then a `gap` says what. True when no position was asked for. */
    readonly recovered: boolean
  }
}

/** The answer to `leave` and to the `stop_*` messages. */
export interface Left {
  readonly event: "left"
  readonly room?: string
  readonly data: {
    /** As asked: see `Joined`. */
    readonly room: string
  }
}

/** A container changed its state. Goes to every connection. */
export interface ContainerStatusChange {
  readonly event: "container_status_change"
  readonly room?: string
  readonly data: {
    readonly container_id: string
    readonly name: string
    /** `running`, `stopped`, `paused`, ... */
    readonly status: string
    /** What was done: `start`, `stop`, `die`, ... */
    readonly action: string
    readonly success: boolean
    /** A sentence for a person, when it failed. */
    readonly error?: string
    readonly timestamp: string
  }
}

/** Whether the engine answers: sent on connect and at each change. Goes to every connection. */
export interface EngineStatusMessage {
  readonly event: "engine_status"
  readonly room?: string
  readonly data: EngineStatus
}

/** A sentence for a person. */
export interface Status {
  readonly event: "status"
  readonly room?: string
  readonly data: { readonly msg: string }
}

/** What was wrong with a message of the client's. */
export interface WireError {
  readonly event: "error"
  readonly room?: string
  readonly data: {
    readonly code: string
    readonly message: string
    /** What it is about: the event, the room or the container, as the client named it. */
    readonly about?: string
  }
}

/** What the server says. */
export type ServerMessage =
  | Joined
  | Left
  | Gap
  | DockerLog
  | DockerProgress
  | DockerLogComplete
  | ContainerLogMark
  | ContainerStatusChange
  | ContainerStatsMessage
  | EngineStatusMessage
  | Status
  | WireError

/** One frame from the server. */
export type ServerFrame = ReadonlyArray<ServerMessage>
