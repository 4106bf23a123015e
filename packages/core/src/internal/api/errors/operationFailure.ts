import * as Schema from "effect/Schema"

const FailureField = Schema.Union(Schema.String, Schema.Number, Schema.Boolean, Schema.Array(Schema.String))

/**
 * The tagged error that a run failed with, bounded: texts of at most 4,000 characters, the last 20 of several lines.
 *
 * @since 0.1.0
 * @category models
 */
export const OperationFailure = Schema.Struct({
  /** The tag of the error, such as `ComposeFailed`. */
  tag: Schema.String,
  /**
   * The fields of the error by their names, those that are plain values: such as `reason`, `service`, `file`, `line`, `step`,
   * `exitCode` and `lastLines`.
   */
  fields: Schema.Record({ key: Schema.String, value: FailureField })
}).annotations({ identifier: "OperationFailure" })

/**
 * @since 0.1.0
 * @category models
 */
export type OperationFailure = typeof OperationFailure.Type

const maxText = 4_000
const maxLines = 20

const bounded = (text: string): string => (text.length <= maxText ? text : `${text.slice(0, maxText - 1)}…`)

const isLines = Schema.is(Schema.Array(Schema.String))

const fieldOf = (value: unknown): typeof FailureField.Type | undefined => {
  if (typeof value === "string") return bounded(value)
  if (typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))) return value
  return isLines(value) ? value.slice(-maxLines).map(bounded) : undefined
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

/** What is told of an error: of a tagged one with a schema its plain fields, of another tagged one its tag. */
export const operationFailure = (error: unknown): OperationFailure | undefined => {
  const tag: unknown = isObject(error) ? Reflect.get(error, "_tag") : undefined
  if (!isObject(error) || typeof tag !== "string") return undefined
  const schema: unknown = Reflect.get(error.constructor, "fields")
  const fields: Record<string, typeof FailureField.Type> = {}
  for (const name of isObject(schema) ? Object.keys(schema) : []) {
    const field = name === "_tag" ? undefined : fieldOf(Reflect.get(error, name))
    if (field !== undefined) fields[name] = field
  }
  return { tag, fields }
}
