/** Fields of the body of a request. */
import * as Schema from "effect/Schema"

/** A map from text to text, such as labels. */
export const textRecord = Schema.Record({ key: Schema.String, value: Schema.String })

/** A field that may be left out. */
export const optionalField = <A, I>(schema: Schema.Schema<A, I>, description: string) =>
  Schema.optionalWith(schema, { exact: true }).annotations({ description })

/** A text that may be left out. */
export const optionalText = (description: string) => optionalField(Schema.String, description)

/** A choice that is `false` if it is left out. */
export const optionalFlag = (description: string) => optionalField(Schema.Boolean, description)
