/** What is asked of `Operations.start`. */
import type { Operation } from "@dockwire/core/Operation"
import type * as Effect from "effect/Effect"

/**
 * An operation to start, and what it must not overlap with.
 *
 * @since 0.1.0
 * @category models
 */
export interface OperationRequest {
  /** The operation, with its services already provided. */
  readonly operation: Operation<unknown, { readonly _tag: string; readonly message: string }>
  /**
   * Two operations that share one of these do not run at once: `stack:web`, `image:docker.io/library/nginx:1.27`,
   * `container:<full id>`.
   */
  readonly targets: ReadonlyArray<string>
  /** A request that is repeated with the same key starts nothing: it gets the operation that the first one started. */
  readonly idempotencyKey?: string
  /** What was asked, as JSON, besides the kind of operation and the targets: a key that comes with something else is refused. */
  readonly asked?: unknown
  /** Runs once what was made for the operation is no longer needed: at its end, or if it is not started after all. */
  readonly release?: Effect.Effect<void>
  /** Who asked: the name of the token. Keys of one do not meet those of another. */
  readonly startedBy?: string
}
