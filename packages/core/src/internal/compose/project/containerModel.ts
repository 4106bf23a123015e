import * as Schema from "effect/Schema"
import { ContainerState } from "../../api/containerState.js"
import { ContainerPort } from "../../containers/containerModels.js"

const optionalString = Schema.optionalWith(Schema.String, { exact: true })

/**
 * A container of a compose project.
 *
 * @since 0.1.0
 * @category models
 */
export const ComposeContainer = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  service: Schema.String,
  /** Which of the service's containers it is, from 1. */
  number: Schema.Number,
  /** Whether it was made by `compose run`. */
  oneOff: Schema.Boolean,
  state: ContainerState,
  /** Absent if the container has no health check or does not run, and while it is paused. */
  health: Schema.optionalWith(Schema.Literal("starting", "healthy", "unhealthy"), { exact: true }),
  /** The code that the last run ended with. Absent while the container runs, and before its first run. */
  exitCode: Schema.optionalWith(Schema.Number, { exact: true }),
  /** The image's name. */
  image: Schema.String,
  ports: Schema.Array(ContainerPort),
  /** A hash of the service's settings, by which compose decides whether to make the container anew. */
  configHash: optionalString
}).annotations({ identifier: "ComposeContainer" })

/**
 * @since 0.1.0
 * @category models
 */
export type ComposeContainer = typeof ComposeContainer.Type
