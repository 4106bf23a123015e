import * as Schema from "effect/Schema"
import { type EngineError, InvalidRequest, PruneInProgress } from "../../DockerError.js"

/** Encodes filters as the engine's `filters` query parameter. */
export const filtersQuery = (filters: Readonly<Record<string, ReadonlyArray<string>>> | undefined) =>
  filters === undefined ? undefined : JSON.stringify(filters)

/** Rule for lists: the engine rejected a filter. */
export const invalidFilter = (
  filters: Readonly<Record<string, ReadonlyArray<string>>> | undefined,
  error: EngineError
): InvalidRequest | undefined =>
  (error.status === 400 && /filter/.test(error.detail)) ||
  /invalid (volume )?filter|unsupported image filter|as time or duration|more than one until filter|one timestamp for until|a valid value for the \S+ filter|unknown container state|while looking up for (publish|expose)/i.test(
    error.detail
  ) ||
  // The container named by a `before` or `since` filter does not exist.
  (error.status === 404 && filters !== undefined && /no such container|no container with/i.test(error.detail))
    ? new InvalidRequest({ field: "filters", value: JSON.stringify(filters ?? {}), detail: error.detail })
    : undefined

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
