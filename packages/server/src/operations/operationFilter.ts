/** Which operations a filter means. */
import type { OperationFilter, OperationSummary } from "../OperationSummary.js"

const defaultLimit = 50
const maxLimit = 500

/** How many operations a page has at most. */
export const pageLimit = ({ limit = defaultLimit }: OperationFilter): number => Math.min(Math.max(limit, 1), maxLimit)

/** Whether an operation passes the filter. */
export const matches = ({ kind, status, target, text }: OperationFilter, summary: OperationSummary): boolean => {
  if (kind !== undefined && summary.operation_type !== kind) return false
  if (status !== undefined && summary.status !== status) return false
  if (target !== undefined && !summary.targets.includes(target)) return false
  if (text === undefined) return true
  const part = text.toLowerCase()
  const { error = "", log_id, operation_type, targets } = summary
  return [log_id, operation_type, error, ...targets].some((field) => field.toLowerCase().includes(part))
}
