import * as Schema from "effect/Schema"

/**
 * A step of a build.
 *
 * @since 0.1.0
 * @category models
 */
export const BuildStep = Schema.Struct({
  /** As the builder names it, such as `[build 2/3] RUN make`. */
  name: Schema.String,
  /** The stage that it belongs to, if it has a name. */
  stage: Schema.optionalWith(Schema.String, { exact: true }),
  /** Its number in the stage, from 1. Missing if it is not an instruction of the Dockerfile. */
  number: Schema.optionalWith(Schema.Number, { exact: true }),
  /** How many steps the stage has. */
  of: Schema.optionalWith(Schema.Number, { exact: true }),
  /** Whether the result came from the build cache. */
  cached: Schema.Boolean,
  /** RFC 3339. Missing until then. */
  started: Schema.optionalWith(Schema.String, { exact: true }),
  /** RFC 3339. Missing until then. */
  completed: Schema.optionalWith(Schema.String, { exact: true }),
  error: Schema.optionalWith(Schema.String, { exact: true })
}).annotations({ identifier: "BuildStep" })

/**
 * @since 0.1.0
 * @category models
 */
export type BuildStep = typeof BuildStep.Type
