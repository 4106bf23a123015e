/** Why an operation cannot be started or found. */
import * as Schema from "effect/Schema"

/**
 * An operation on the same target is still running.
 *
 * @since 0.1.0
 * @category errors
 */
export class OperationConflict extends Schema.TaggedError<OperationConflict>("@dockwire/server/OperationConflict")(
  "OperationConflict",
  {
    /** The target that both work on. */
    target: Schema.String,
    /** The id of the operation that runs. */
    log_id: Schema.String,
    /** Its room. */
    room: Schema.String,
    /** Its kind. */
    operation_type: Schema.String
  }
) {
  override get message(): string {
    return `${this.operation_type} is still running on ${this.target}. Watch it in the room ${this.room}, and try again when it has ended, or cancel operation ${this.log_id}.`
  }
}

/**
 * No operation has this id, or it is no longer kept.
 *
 * @since 0.1.0
 * @category errors
 */
export class OperationNotFound extends Schema.TaggedError<OperationNotFound>("@dockwire/server/OperationNotFound")(
  "OperationNotFound",
  { log_id: Schema.String }
) {
  override get message(): string {
    return `No operation has the id ${JSON.stringify(this.log_id)}. It may be too old to be kept: GET /api/operations lists those that are.`
  }
}

/**
 * An `Idempotency-Key` was sent with a request and again with another one.
 *
 * @since 0.1.0
 * @category errors
 */
export class IdempotencyKeyReused extends Schema.TaggedError<IdempotencyKeyReused>(
  "@dockwire/server/IdempotencyKeyReused"
)("IdempotencyKeyReused", {
  key: Schema.String,
  /** The operation that was started with it. */
  log_id: Schema.String
}) {
  override get message(): string {
    return `The Idempotency-Key ${JSON.stringify(this.key)} belongs to another request, which started operation ${this.log_id}. Use a new key for each request, and the same one only to repeat it.`
  }
}
