import * as Schema from "effect/Schema"

/**
 * What a prune removed.
 *
 * @since 0.1.0
 * @category models
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
