/**
 * The events that go through a `LogSink`: lines of container logs, marks between them, and the events of operations.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { BuildStep } from "./internal/api/buildStep.js"
import { ComposeResource } from "./internal/api/composeResource.js"
import { OperationFailure } from "./internal/api/errors/operationFailure.js"

export { BuildStep, ComposeResource, OperationFailure }

/**
 * The output that a line was written to.
 *
 * @since 0.1.0
 * @category models
 */
export const LogStream = Schema.Literal("stdout", "stderr")

/**
 * @since 0.1.0
 * @category models
 */
export type LogStream = typeof LogStream.Type

/**
 * Marks one part of a line. A line longer than 1 MiB is delivered as several elements.
 *
 * @since 0.1.0
 * @category models
 */
export const LogPart = Schema.Struct({
  /** Counts from 1. */
  index: Schema.Number,
  /** Whether this part ends the line. */
  last: Schema.Boolean
})

/**
 * @since 0.1.0
 * @category models
 */
export type LogPart = typeof LogPart.Type

/**
 * A line of a container's log, without its line ending.
 *
 * @since 0.1.0
 * @category models
 */
export const LogLine = Schema.TaggedStruct("LogLine", {
  /** The full id of the container. */
  containerId: Schema.String,
  stream: LogStream,
  /** When the engine read the line, by its clock: RFC 3339 with nanoseconds. */
  timestamp: Schema.String,
  /** Decoded as UTF-8. Invalid bytes become U+FFFD. */
  text: Schema.String,
  /** Set if this is only a part of a line. */
  part: Schema.optionalWith(LogPart, { exact: true })
}).annotations({ identifier: "LogLine" })

/**
 * @since 0.1.0
 * @category models
 */
export type LogLine = typeof LogLine.Type

const markFields = { containerId: Schema.String, timestamp: Schema.String }

/**
 * The container started.
 *
 * @since 0.1.0
 * @category models
 */
export const StartedMark = Schema.TaggedStruct("LogMark", { mark: Schema.Literal("started"), ...markFields })

/**
 * @since 0.1.0
 * @category models
 */
export type StartedMark = typeof StartedMark.Type

/**
 * The container stopped.
 *
 * @since 0.1.0
 * @category models
 */
export const StoppedMark = Schema.TaggedStruct("LogMark", {
  mark: Schema.Literal("stopped"),
  ...markFields,
  /** Missing if the engine no longer knows it. */
  exitCode: Schema.optionalWith(Schema.Number, { exact: true })
})

/**
 * @since 0.1.0
 * @category models
 */
export type StoppedMark = typeof StoppedMark.Type

/**
 * The container was removed. Always the last element of a follow.
 *
 * @since 0.1.0
 * @category models
 */
export const RemovedMark = Schema.TaggedStruct("LogMark", { mark: Schema.Literal("removed"), ...markFields })

/**
 * @since 0.1.0
 * @category models
 */
export type RemovedMark = typeof RemovedMark.Type

/**
 * Lines are missing, or may be: the engine deleted them before they were read, or can't read them. Where the log rotated so
 * fast that lines may be missing in many places, one gap spans them all, and the lines in between follow it.
 *
 * @since 0.1.0
 * @category models
 */
export const GapMark = Schema.TaggedStruct("LogMark", {
  mark: Schema.Literal("gap"),
  ...markFields,
  /** Timestamp of the last line before the gap; of the first line that is missing if there is none before it. */
  from: Schema.String,
  /** Timestamp of the first line after the gap. No line after it is missing. */
  to: Schema.String,
  reason: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export type GapMark = typeof GapMark.Type

/**
 * The engine reported that it failed to read the log. The follow retries by itself, and steps over what can't be read.
 *
 * @since 0.1.0
 * @category models
 */
export const EngineErrorMark = Schema.TaggedStruct("LogMark", {
  mark: Schema.Literal("engine_error"),
  ...markFields,
  /** The engine's own message. */
  message: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export type EngineErrorMark = typeof EngineErrorMark.Type

/**
 * What happened to a container or its log between two lines.
 *
 * @since 0.1.0
 * @category models
 */
export const LogMark = Schema.Union(StartedMark, StoppedMark, RemovedMark, GapMark, EngineErrorMark).annotations({
  identifier: "LogMark"
})

/**
 * @since 0.1.0
 * @category models
 */
export type LogMark = typeof LogMark.Type

/**
 * What an operation works on.
 *
 * @since 0.1.0
 * @category models
 */
export const OperationTarget = Schema.Struct({
  /** The caller's id of a compose file. */
  configId: Schema.optionalWith(Schema.Union(Schema.String, Schema.Number), { exact: true }),
  containerId: Schema.optionalWith(Schema.String, { exact: true }),
  imageName: Schema.optionalWith(Schema.String, { exact: true })
}).annotations({ identifier: "OperationTarget" })

/**
 * @since 0.1.0
 * @category models
 */
export type OperationTarget = typeof OperationTarget.Type

const operationFields = {
  /** The id of the run, a UUID. */
  logId: Schema.String,
  /** `pull_image`, `run_compose`, ... */
  kind: Schema.String,
  target: OperationTarget,
  /** 0 for `OperationStarted`, then 1, 2, 3, ... without gaps. */
  seq: Schema.Number,
  /** RFC 3339 with milliseconds, by the clock of this process. */
  timestamp: Schema.String
}

/**
 * The first event of a run.
 *
 * @since 0.1.0
 * @category models
 */
export const OperationStarted = Schema.TaggedStruct("OperationStarted", operationFields)

/**
 * @since 0.1.0
 * @category models
 */
export type OperationStarted = typeof OperationStarted.Type

/**
 * The stream of an operation's line. `system` is for messages of the operation itself.
 *
 * @since 0.1.0
 * @category models
 */
export const OperationStream = Schema.Literal(...LogStream.literals, "system")

/**
 * @since 0.1.0
 * @category models
 */
export type OperationStream = typeof OperationStream.Type

/**
 * A line of a run's output.
 *
 * @since 0.1.0
 * @category models
 */
export const OperationLine = Schema.TaggedStruct("OperationLine", {
  ...operationFields,
  stream: OperationStream,
  text: Schema.String,
  /** The item that printed the line, the `id` of its `OperationProgress`, such as a step of a build. */
  item: Schema.optionalWith(Schema.String, { exact: true })
})

/**
 * @since 0.1.0
 * @category models
 */
export type OperationLine = typeof OperationLine.Type

/**
 * The progress of one item of a run.
 *
 * @since 0.1.0
 * @category models
 */
export const OperationProgress = Schema.TaggedStruct("OperationProgress", {
  ...operationFields,
  /** The item: a layer, a step of a build, a service. */
  id: Schema.String,
  status: Schema.String,
  /** In the engine's unit; bytes for layers. */
  current: Schema.optionalWith(Schema.Number, { exact: true }),
  total: Schema.optionalWith(Schema.Number, { exact: true }),
  /** How much of the whole run is done, from 0 to 1. Never less than before, and 1 only at the end. */
  fraction: Schema.optionalWith(Schema.Number, { exact: true }),
  /** Set if the item is a step of a build. */
  step: Schema.optionalWith(BuildStep, { exact: true }),
  /** Set if the item belongs to a compose project. */
  resource: Schema.optionalWith(ComposeResource, { exact: true })
})

/**
 * @since 0.1.0
 * @category models
 */
export type OperationProgress = typeof OperationProgress.Type

/**
 * The run succeeded.
 *
 * @since 0.1.0
 * @category models
 */
export const OperationCompleted = Schema.TaggedStruct("OperationCompleted", operationFields)

/**
 * @since 0.1.0
 * @category models
 */
export type OperationCompleted = typeof OperationCompleted.Type

/**
 * The run failed.
 *
 * @since 0.1.0
 * @category models
 */
export const OperationFailed = Schema.TaggedStruct("OperationFailed", {
  ...operationFields,
  /** The error's message. */
  error: Schema.String,
  /** The error itself, if it is a tagged one. */
  failure: Schema.optionalWith(OperationFailure, { exact: true })
})

/**
 * @since 0.1.0
 * @category models
 */
export type OperationFailed = typeof OperationFailed.Type

/**
 * The run was interrupted or cancelled.
 *
 * @since 0.1.0
 * @category models
 */
export const OperationInterrupted = Schema.TaggedStruct("OperationInterrupted", {
  ...operationFields,
  /** What the run has left behind, if it tells. */
  detail: Schema.optionalWith(Schema.String, { exact: true })
})

/**
 * @since 0.1.0
 * @category models
 */
export type OperationInterrupted = typeof OperationInterrupted.Type

/**
 * The last event of a run. Every run ends with exactly one of these.
 *
 * @since 0.1.0
 * @category models
 */
export const OperationEnded = Schema.Union(OperationCompleted, OperationFailed, OperationInterrupted)

/**
 * @since 0.1.0
 * @category models
 */
export type OperationEnded = typeof OperationEnded.Type

/**
 * An event of a run.
 *
 * @since 0.1.0
 * @category models
 */
export const OperationEvent = Schema.Union(
  OperationStarted,
  OperationLine,
  OperationProgress,
  OperationEnded
).annotations({ identifier: "OperationEvent" })

/**
 * @since 0.1.0
 * @category models
 */
export type OperationEvent = typeof OperationEvent.Type

/**
 * An event that goes through a `LogSink`.
 *
 * @since 0.1.0
 * @category models
 */
export const LogEvent = Schema.Union(LogLine, LogMark, OperationEvent).annotations({ identifier: "LogEvent" })

/**
 * @since 0.1.0
 * @category models
 */
export type LogEvent = typeof LogEvent.Type

/**
 * Whether an event is the last one of a run.
 *
 * @since 0.1.0
 * @category guards
 */
export const isOperationEnded = (event: LogEvent): event is OperationEnded =>
  event._tag === "OperationCompleted" || event._tag === "OperationFailed" || event._tag === "OperationInterrupted"
