/**
 * What leaves through a `LogSink`: lines of containers, marks between them, and the life of operations.
 */

/** Where a line was written: the container's standard output or its standard error. */
export type LogStream = "stdout" | "stderr"

/**
 * Set on a line that is longer than 1 MiB and so comes in several elements.
 * `index` counts from 1; `last` is true on the part that ends the line.
 */
export interface LogPart {
  readonly index: number
  readonly last: boolean
}

/** One line of a container's log, without its line ending. */
export interface LogLine {
  readonly _tag: "LogLine"
  /** The full id of the container. */
  readonly containerId: string
  readonly stream: LogStream
  /** RFC 3339 with nanoseconds, by the engine's clock: the moment at which the engine read the line. */
  readonly timestamp: string
  /** Decoded as UTF-8; bytes that are not UTF-8 are U+FFFD. */
  readonly text: string
  readonly part?: LogPart
}

/** The container began to run. */
export interface StartedMark {
  readonly _tag: "LogMark"
  readonly mark: "started"
  readonly containerId: string
  readonly timestamp: string
}

/** The container's run ended. `exitCode` is missing where the engine no longer knows it. */
export interface StoppedMark {
  readonly _tag: "LogMark"
  readonly mark: "stopped"
  readonly containerId: string
  readonly timestamp: string
  readonly exitCode?: number
}

/** The container was removed: the last element of a follow. */
export interface RemovedMark {
  readonly _tag: "LogMark"
  readonly mark: "removed"
  readonly containerId: string
  readonly timestamp: string
}

/** Lines between the two moments are gone: the engine no longer has them (it rotated them away), or never gave them out. */
export interface GapMark {
  readonly _tag: "LogMark"
  readonly mark: "gap"
  readonly containerId: string
  readonly timestamp: string
  /** Timestamp of the last line before the gap, exclusive. */
  readonly from: string
  /** Timestamp of the first line after the gap, exclusive. */
  readonly to: string
  readonly reason: string
}

/** The engine said, inside the log, that it could not go on reading it. The follow goes on by itself. */
export interface EngineErrorMark {
  readonly _tag: "LogMark"
  readonly mark: "engine_error"
  readonly containerId: string
  readonly timestamp: string
  /** The engine's own words. */
  readonly message: string
}

/** What happens to a container's log between its lines. */
export type LogMark = StartedMark | StoppedMark | RemovedMark | GapMark | EngineErrorMark

/** What an operation works on. */
export interface OperationTarget {
  /** The id under which the caller knows a compose file. */
  readonly configId?: string | number
  readonly containerId?: string
  readonly imageName?: string
}

interface OperationEventBase {
  /** The run's id, a UUID. */
  readonly logId: string
  /** `pull_image`, `run_compose`, ... */
  readonly kind: string
  readonly target: OperationTarget
  /** 0 for `OperationStarted`, then 1, 2, 3, ... without a hole. */
  readonly seq: number
  /** RFC 3339 with milliseconds, by this process's clock. */
  readonly timestamp: string
}

/** The first event of a run. */
export interface OperationStarted extends OperationEventBase {
  readonly _tag: "OperationStarted"
}

/** A line of a run's output. `system` is the operation's own voice. */
export interface OperationLine extends OperationEventBase {
  readonly _tag: "OperationLine"
  readonly stream: LogStream | "system"
  readonly text: string
}

/** How far a part of a run has come, in the unit that the engine counts in (bytes for layers). */
export interface OperationProgress extends OperationEventBase {
  readonly _tag: "OperationProgress"
  /** The part: a layer, a service. */
  readonly id: string
  readonly status: string
  readonly current?: number
  readonly total?: number
}

/** The run gave its result. */
export interface OperationCompleted extends OperationEventBase {
  readonly _tag: "OperationCompleted"
}

/** The run failed; `error` is a sentence for a person. */
export interface OperationFailed extends OperationEventBase {
  readonly _tag: "OperationFailed"
  readonly error: string
}

/** The run was interrupted or cancelled. */
export interface OperationInterrupted extends OperationEventBase {
  readonly _tag: "OperationInterrupted"
}

/** The last event of a run: exactly one of these comes, whatever happens. */
export type OperationEnded = OperationCompleted | OperationFailed | OperationInterrupted

/** Everything that a run of an operation says. */
export type OperationEvent = OperationStarted | OperationLine | OperationProgress | OperationEnded

/** Everything that goes through a `LogSink`. */
export type LogEvent = LogLine | LogMark | OperationEvent

/** Whether this is the last event of an operation's run. */
export const isOperationEnded = (event: LogEvent): event is OperationEnded =>
  event._tag === "OperationCompleted" || event._tag === "OperationFailed" || event._tag === "OperationInterrupted"
