/** The engine's complete response in objects that are derived from it. */
import * as Schema from "effect/Schema"
import { flag } from "./queryFields.js"

/** The part of a query that asks for the engine's complete response, in `raw`. */
export const rawQuery = { raw: flag("Adds the engine's complete response, as `raw`") }

/** A schema of core's whose `raw` is there only if the query asks for it. */
export const withOptionalRaw = <Fields extends Schema.Struct.Fields & { readonly raw: Schema.Schema.All }>(
  schema: Schema.Struct<Fields>,
  identifier: string
) => {
  const { raw, ...fields } = schema.fields
  return Schema.Struct({ ...fields, raw: Schema.optionalWith(raw, { exact: true }) }).annotations({ identifier })
}
