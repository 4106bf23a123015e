/** Fields of the query of a request: what a text in an address stands for. */
import * as Schema from "effect/Schema"

/** A text that is allowed to be one of these. */
const oneOf = (...texts: ReadonlyArray<string>): string => texts.map((text) => JSON.stringify(text)).join(", ")

const yes = ["true", "1", ""] as const
const no = ["false", "0"] as const

/** A switch: `?all`, `?all=true` and `?all=1` switch it on, `false` and `0` off. */
const Flag = Schema.transform(
  Schema.Literal(...yes, ...no).annotations({
    message: () => ({ message: `must be ${oneOf("true", "1", "false", "0")} or empty`, override: true }),
    jsonSchema: { type: "boolean" }
  }),
  Schema.Boolean,
  { strict: true, decode: (text) => yes.some((each) => each === text), encode: (flag) => (flag ? "true" : "false") }
)

/** A field that may be left out. */
const optional = <A, I>(schema: Schema.Schema<A, I>, description: string) =>
  Schema.optionalWith(schema, { exact: true }).annotations({ description })

/** A switch that is off unless the query names it. */
export const flag = (description: string) => optional(Flag, description)

/** A whole number, written with digits. */
export const wholeNumber = (description: string, minimum = 0) =>
  optional(
    Schema.NumberFromString.pipe(
      Schema.filter((value) => Number.isSafeInteger(value) && value >= minimum, {
        message: () => ({ message: `must be a whole number, ${minimum} or more`, override: true })
      })
    ).annotations({
      message: () => ({ message: `must be a whole number, ${minimum} or more`, override: true }),
      jsonSchema: { type: "integer", minimum }
    }),
    description
  )

/** Any text. */
export const text = (description: string) => optional(Schema.String, description)

/** One of several words. */
export const word = <const Words extends readonly [string, ...ReadonlyArray<string>]>(
  words: Words,
  description: string
) =>
  optional(
    Schema.Literal(...words).annotations({
      message: () => ({ message: `must be ${oneOf(...words)}`, override: true })
    }),
    description
  )

/** The engine's filters: JSON of an object whose values are arrays of texts. */
export const filters = (example: string) =>
  optional(
    Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.Array(Schema.String) })).annotations({
      message: () => ({
        message: `must be JSON of the engine's filters, each with its values in an array, such as ${example}`,
        override: true
      }),
      jsonSchema: { type: "string", contentMediaType: "application/json" }
    }),
    `The engine's filters as JSON, such as ${example}`
  )

/** A text that may be given several times. */
export const texts = (description: string) =>
  optional(
    Schema.transform(
      Schema.Union(Schema.String, Schema.Array(Schema.String)).annotations({
        jsonSchema: { type: "array", items: { type: "string" } }
      }),
      Schema.Array(Schema.String),
      { strict: true, decode: (given) => (typeof given === "string" ? [given] : given), encode: (all) => all }
    ),
    description
  )

/** JSON of an object whose values are texts. */
export const textRecord = (example: string, description: string) =>
  optional(
    Schema.parseJson(Schema.Record({ key: Schema.String, value: Schema.String })).annotations({
      message: () => ({
        message: `must be JSON of an object whose values are texts, such as ${example}`,
        override: true
      }),
      jsonSchema: { type: "string", contentMediaType: "application/json" }
    }),
    `${description}. As JSON, such as ${example}`
  )

const timePattern = /^(\d{1,12}(\.\d{1,9})?|\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d([.,]\d{1,9})?([Zz]|[+-]\d\d:\d\d))$/

/** A time of the engine's clock. */
export const time = (description: string) =>
  optional(
    Schema.String.pipe(
      Schema.pattern(timePattern, {
        message: () => ({
          message:
            "must be an RFC 3339 timestamp (2026-01-31T12:00:00.123456789Z) or seconds since the epoch (1769860800.5)",
          override: true
        })
      })
    ),
    `${description}. As RFC 3339 (2026-01-31T12:00:00.123456789Z) or seconds since the epoch (1769860800.5)`
  )
