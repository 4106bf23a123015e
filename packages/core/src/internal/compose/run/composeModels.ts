import * as Schema from "effect/Schema"
import { ComposeContainer } from "../project/containerModel.js"

/**
 * What an operation has left of a project.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ComposeOutcome = Schema.Struct({
  /** The name of the project. */
  project: Schema.String,
  /** Its containers afterwards, by service and number; without those of `compose run`. */
  containers: Schema.Array(ComposeContainer)
}).annotations({ identifier: "ComposeOutcome", description: "What an operation has left of a project" })

/**
 * @since 0.1.0
 * @category models
 */
export type ComposeOutcome = typeof ComposeOutcome.Type

/**
 * What a command of compose printed to its standard output.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ComposeOutput = Schema.Struct({
  project: Schema.String,
  stdout: Schema.String,
  /** Whether it was more than 16 Mi characters. The rest is missing here, but was in the operation's lines. */
  isCut: Schema.Boolean
}).annotations({ identifier: "ComposeOutput", description: "What a command of compose printed to its standard output" })

/**
 * @since 0.1.0
 * @category models
 */
export type ComposeOutput = typeof ComposeOutput.Type

/**
 * The compose command that was found.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ComposeVersion = Schema.Struct({
  /** As it says, such as `2.40.3` or, with what a distribution appends, `2.26.1-4`. */
  version: Schema.String,
  /**
   * The path of the plugin `docker-compose`, alone; or `["docker", "compose"]`, or `["docker-compose"]`, if it is not in a folder of
   * plugins; unless the layer was given another one.
   */
  command: Schema.Array(Schema.String)
}).annotations({ identifier: "ComposeVersion", description: "The compose command that was found" })

/**
 * @since 0.1.0
 * @category models
 */
export type ComposeVersion = typeof ComposeVersion.Type
