import * as Schema from "effect/Schema"
import { type EngineError, type InvalidRequest, PruneInProgress } from "../../DockerError.js"
import { invalidFilter } from "./filters.js"

/**
 * What a prune removed.
 *
 * @since 0.1.0
 * @category schemas
 */
export const PruneReport = Schema.Struct({
  /** Ids or names of the resources that were deleted. */
  deleted: Schema.Array(Schema.String),
  /** Disk space freed, in bytes. */
  spaceReclaimed: Schema.Number.annotations({ description: "Disk space freed, in bytes" })
}).annotations({ identifier: "PruneReport" })

/**
 * @since 0.1.0
 * @category models
 */
export type PruneReport = typeof PruneReport.Type

/** Rule for prunes: the engine rejected a filter, or is running another prune of the same kind. */
export const pruneRefused =
  (kind: PruneInProgress["kind"], filters: Readonly<Record<string, ReadonlyArray<string>>> | undefined) =>
  (error: EngineError): InvalidRequest | PruneInProgress | undefined =>
    error.status === 409 && /prune operation is already running/.test(error.detail)
      ? new PruneInProgress({ kind, detail: error.detail })
      : invalidFilter(filters, error)
