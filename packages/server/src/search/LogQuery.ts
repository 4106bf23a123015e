/** What a search over logs looks for. */
import { InvalidRequest } from "@dockwire/core/DockerError"
import { LogStream } from "@dockwire/core/LogEvent"
import { logLevels } from "@dockwire/core/LogLevel"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { parseTime } from "./queryTime.js"

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

/** One of: a literal text, or a regular expression in RE2's syntax. */
export const LogTerm = Schema.Union(
  Schema.Struct({ text: Schema.NonEmptyString }),
  Schema.Struct({ regex: Schema.NonEmptyString })
).annotations({ identifier: "LogTerm" })

/** See the schema. */
export type LogTerm = typeof LogTerm.Type

/** `~`: the value is a regular expression that matches anywhere in the field. `exists` has no value. */
export const FieldOperator = Schema.Literal("=", "!=", ">", ">=", "<", "<=", "~", "exists")

/** See the schema. */
export type FieldOperator = typeof FieldOperator.Type

/** A condition on a field of a JSON or logfmt line. */
export const FieldCondition = Schema.Struct({
  /** `status`, `user.id`, `items.0.name`. */
  path: Schema.NonEmptyString,
  op: FieldOperator,
  value: optional(Schema.String)
}).annotations({ identifier: "FieldCondition" })

/** See the schema. */
export type FieldCondition = typeof FieldCondition.Type

const Time = Schema.String.pipe(Schema.filter((text) => parseTime(text) !== undefined))

/** What a search over logs looks for. Every condition must hold. */
export class LogQuery extends Schema.Class<LogQuery>("LogQuery")({
  /** A literal text that the line contains. */
  text: optional(Schema.NonEmptyString),
  /** Whether literal texts must match in case. An expression must, unless it starts with `(?i)`. Default: no. */
  caseSensitive: optional(Schema.Boolean),
  /** A regular expression in RE2's syntax that matches anywhere in the line. */
  regex: optional(Schema.NonEmptyString),
  /** More that the line must contain. */
  include: optional(Schema.Array(LogTerm)),
  /** What the line must not contain. */
  exclude: optional(Schema.Array(LogTerm)),
  /** One of these; all if missing. */
  streams: optional(Schema.Array(LogStream)),
  /** One of these; all if missing. */
  levels: optional(Schema.Array(Schema.Literal(...logLevels))),
  /** RFC 3339, inclusive. */
  from: optional(Time),
  /** RFC 3339, exclusive. */
  to: optional(Time),
  /** Patterns of the names of sources, with `*` and `?`; all if missing. */
  sources: optional(Schema.Array(Schema.NonEmptyString)),
  fields: optional(Schema.Array(FieldCondition))
}) {
  /** Reads a query from plain JSON. */
  static decode(input: unknown): Effect.Effect<LogQuery, InvalidRequest> {
    return Schema.decodeUnknown(LogQuery)(input).pipe(
      Effect.mapError(
        ({ message }) => new InvalidRequest({ field: "query", value: JSON.stringify(input) ?? "", detail: message })
      )
    )
  }
}
