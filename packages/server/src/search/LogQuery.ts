/** What a search over logs looks for. */
import { InvalidRequest } from "@dockwire/core/DockerError"
import { LogStream } from "@dockwire/core/LogEvent"
import { logLevels } from "@dockwire/core/LogLevel"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { queryProblem } from "./QueryConditions.js"
import { parseQueryText, printQueryText } from "./text/queryText.js"

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

/** One of: a literal text, or a regular expression in RE2's syntax. */
export const LogTerm = Schema.Union(
  Schema.Struct({ text: Schema.String }),
  Schema.Struct({ regex: Schema.String })
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

/**
 * What a search over logs looks for. Every condition must hold. `decode` also says what is wrong with an expression, a field or a
 * range, which the schema alone does not.
 */
export class LogQuery extends Schema.Class<LogQuery>("LogQuery")({
  /** A literal text that the line contains. */
  text: optional(Schema.String),
  /** Whether literal texts must match in case. An expression must, unless it starts with `(?i)`. Default: no. */
  caseSensitive: optional(Schema.Boolean),
  /** A regular expression in RE2's syntax that matches anywhere in the line. */
  regex: optional(Schema.String),
  /** More that the line must contain. */
  include: optional(Schema.Array(LogTerm)),
  /** What the line must not contain. */
  exclude: optional(Schema.Array(LogTerm)),
  /** One of these; all if missing. */
  streams: optional(Schema.Array(LogStream)),
  /** One of these; all if missing. */
  levels: optional(Schema.Array(Schema.Literal(...logLevels))),
  /** RFC 3339, inclusive. */
  from: optional(Schema.String),
  /** RFC 3339, exclusive. */
  to: optional(Schema.String),
  /** Patterns of the names of sources, with `*` and `?`; all if missing. */
  sources: optional(Schema.Array(Schema.NonEmptyString)),
  fields: optional(Schema.Array(FieldCondition))
}) {
  /** Reads a query from plain JSON. The error names the part that is wrong and what to do. */
  static decode(input: unknown): Effect.Effect<LogQuery, InvalidRequest> {
    return decode(input, { onExcessProperty: "error" }).pipe(
      Effect.mapError((error) => schemaProblem(input, error)),
      Effect.flatMap(checked)
    )
  }

  /**
   * Reads a query from the text that people write: `status>=500 level:error -exclude "literal" /regex/i`. `queryText.ts` says
   * what it may have.
   */
  static parse(text: string): Effect.Effect<LogQuery, InvalidRequest> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const parsed = parseQueryText(text, now)
      return "detail" in parsed ? Effect.fail(new InvalidRequest(parsed)) : checked(new LogQuery(parsed.query))
    })
  }

  /** The text that `parse` reads as this query. */
  override toString(): string {
    return printQueryText(this)
  }
}

const decode = Schema.decodeUnknown(LogQuery)

const checked = (query: LogQuery): Effect.Effect<LogQuery, InvalidRequest> => {
  const problem = queryProblem(query)
  return problem === undefined ? Effect.succeed(query) : Effect.fail(new InvalidRequest(problem))
}

const valueAt = (value: unknown, path: ReadonlyArray<PropertyKey>): unknown =>
  path.reduce<unknown>(
    (found, key) => (typeof found === "object" && found !== null ? Reflect.get(found, key) : undefined),
    value
  )

/** The first part of the input that the schema refuses. */
const schemaProblem = (input: unknown, error: ParseResult.ParseError): InvalidRequest => {
  const [issue] = ParseResult.ArrayFormatter.formatErrorSync(error)
  const path = issue?.path ?? []
  const value = valueAt(input, path)
  return new InvalidRequest({
    field: path.length === 0 ? "query" : path.map(String).join("."),
    value: typeof value === "string" ? value : (JSON.stringify(value) ?? ""),
    detail: issue?.message ?? error.message
  })
}
