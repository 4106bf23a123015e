/** Why something cannot be done with a stack. */
import * as Schema from "effect/Schema"

/**
 * No stack has this name, and no compose project of this name has containers.
 *
 * @since 0.1.0
 * @category errors
 */
export class StackNotFound extends Schema.TaggedError<StackNotFound>("@dockwire/server/StackNotFound")(
  "StackNotFound",
  { name: Schema.String }
) {
  override get message(): string {
    return `There is no stack ${JSON.stringify(this.name)}, and no compose project of this name has containers. GET /api/stacks lists what there is; POST /api/stacks adds a stack.`
  }
}

/**
 * Why a stack stands in the way: one of this name exists (`Exists`); its compose file runs as another project
 * (`OtherProject`); it has containers, or may have some (`InUse`).
 *
 * @since 0.1.0
 * @category schemas
 */
export const StackConflictReason = Schema.Literal("Exists", "OtherProject", "InUse")

/**
 * A stack or its containers stand in the way.
 *
 * @since 0.1.0
 * @category errors
 */
export class StackConflict extends Schema.TaggedError<StackConflict>("@dockwire/server/StackConflict")(
  "StackConflict",
  {
    name: Schema.String,
    reason: StackConflictReason,
    /** What stands in the way, and what to do: sentences. */
    detail: Schema.String
  }
) {
  override get message(): string {
    return this.detail
  }
}

/**
 * Why something cannot be done with a stack: it was not added, and so its compose file is not known here (`NotAdded`); it has
 * no URL (`NoUrl`); its file is not in an allowed folder any more, or not there (`FileNotAllowed`); the engine does not tell
 * whether the project exists (`EngineRefused`).
 *
 * @since 0.1.0
 * @category schemas
 */
export const StackUnsuitableReason = Schema.Literal("NotAdded", "NoUrl", "FileNotAllowed", "EngineRefused")

/**
 * Something cannot be done with a stack as it is.
 *
 * @since 0.1.0
 * @category errors
 */
export class StackUnsuitable extends Schema.TaggedError<StackUnsuitable>("@dockwire/server/StackUnsuitable")(
  "StackUnsuitable",
  {
    name: Schema.String,
    reason: StackUnsuitableReason,
    /** Its compose files, as far as they are known. */
    files: Schema.Array(Schema.String),
    /** What is missing, and what to do: sentences. */
    detail: Schema.String
  }
) {
  override get message(): string {
    return this.detail
  }
}
