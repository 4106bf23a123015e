/** Fields of the path of a request. */
import * as Schema from "effect/Schema"

/**
 * A segment of a path. Slashes in it are sent as `%2F`, as the client does: the router reads the path before it decodes the
 * segments.
 */
export const pathField = (maximum: number, pattern: RegExp, description: string, message: string) =>
  Schema.transform(
    Schema.String.annotations({
      description,
      jsonSchema: { type: "string", maxLength: maximum, pattern: pattern.source }
    }),
    Schema.String.pipe(
      Schema.maxLength(maximum, {
        message: () => ({ message: `must have at most ${maximum} characters`, override: true })
      }),
      Schema.pattern(pattern, { message: () => ({ message, override: true }) })
    ),
    { strict: true, decode: (decoded) => decoded, encode: encodeURIComponent }
  )

/** The id or name of a container. */
export const containerId = pathField(
  255,
  // An inner slash: an alias that a legacy link added.
  /^[a-zA-Z0-9][a-zA-Z0-9_.-]*(\/[a-zA-Z0-9][a-zA-Z0-9_.-]*)*$/,
  "The container's name, its full id or the start of its id",
  "Pass a container's name, its full id or the start of its id."
)
