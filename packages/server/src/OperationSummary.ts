/** Operations as the HTTP API shows them. */
import { OperationFailure, OperationStream } from "@dockwire/core/LogEvent"
import * as Schema from "effect/Schema"

/**
 * What became of an operation. `waiting`: it starts as soon as fewer of its kind run. `interrupted`: it was cancelled, or the
 * server ended.
 */
export const OperationStatus = Schema.Literal("waiting", "running", "completed", "failed", "interrupted").annotations({
  identifier: "OperationStatus"
})

/** See the schema. */
export type OperationStatus = typeof OperationStatus.Type

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

const summaryFields = {
  log_id: Schema.String.annotations({ description: "A UUID" }),
  room: Schema.String.annotations({ description: "The room to join to watch it" }),
  operation_type: Schema.String.annotations({ description: "`pull_image`, `run_compose`, ..." }),
  status: OperationStatus,
  targets: Schema.Array(Schema.String).annotations({
    description: "What it works on: `stack:web`, `image:nginx:1.27`"
  }),
  config_id: Schema.NullOr(Schema.Union(Schema.String, Schema.Number)),
  container_id: Schema.NullOr(Schema.String),
  image_name: Schema.NullOr(Schema.String),
  started_by: optional(Schema.String.annotations({ description: "The name of the token that it was started with" })),
  started_at: Schema.String,
  ended_at: optional(Schema.String),
  error: optional(Schema.String.annotations({ description: "Why it failed" })),
  lines: Schema.Number.annotations({ description: "How many lines it has printed" })
}

/** An operation in a list. */
export const OperationSummary = Schema.Struct(summaryFields).annotations({ identifier: "OperationSummary" })

/** See the schema. */
export type OperationSummary = typeof OperationSummary.Type

/** The progress of one item of an operation. */
export const OperationItem = Schema.Struct({
  id: Schema.String.annotations({ description: "A layer, a step of a build, a service" }),
  status: Schema.String,
  current: optional(Schema.Number),
  total: optional(Schema.Number)
}).annotations({ identifier: "OperationItem" })

/** See the schema. */
export type OperationItem = typeof OperationItem.Type

/** One operation. */
export const OperationDetails = Schema.Struct({
  ...summaryFields,
  failure: optional(OperationFailure),
  fraction: optional(Schema.Number.annotations({ description: "How much of it is done, from 0 to 1" })),
  progress: Schema.Array(OperationItem).annotations({ description: "The last state of each item" }),
  last_lines: Schema.Array(Schema.String).annotations({ description: "Up to 20 lines" })
}).annotations({ identifier: "OperationDetails" })

/** See the schema. */
export type OperationDetails = typeof OperationDetails.Type

/** A line that an operation has printed. */
export const OperationLogLine = Schema.Struct({
  seq: Schema.Number.annotations({ description: "The number of the event in the operation" }),
  timestamp: Schema.String,
  stream: OperationStream,
  text: Schema.String
}).annotations({ identifier: "OperationLogLine" })

/** See the schema. */
export type OperationLogLine = typeof OperationLogLine.Type

/** Whether operations outlive the server. */
export const HistoryStatus = Schema.Struct({
  available: Schema.Boolean,
  reason: optional(Schema.String.annotations({ description: "Why not, or what people should know: a sentence" }))
}).annotations({ identifier: "HistoryStatus" })

/** See the schema. */
export type HistoryStatus = typeof HistoryStatus.Type

/** One page of a list of operations, the newest first. */
export const OperationPage = Schema.Struct({
  operations: Schema.Array(OperationSummary),
  next: optional(Schema.String.annotations({ description: "Pass it as `cursor` to get the next page" })),
  history: HistoryStatus
}).annotations({ identifier: "OperationPage" })

/** See the schema. */
export type OperationPage = typeof OperationPage.Type

/** Which operations to list. */
export interface OperationFilter {
  readonly kind?: string
  readonly status?: OperationStatus
  /** One of the operation's targets, whole. */
  readonly target?: string
  /** Appears in the operation's id, kind, targets or error, in upper or lower case. */
  readonly text?: string
  /** `next` of the page before. */
  readonly cursor?: string
  /** Default: 50. */
  readonly limit?: number
}
