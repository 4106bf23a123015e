import { type EngineError, InvalidRequest, PruneInProgress } from "../../DockerError.js"

/** The engine's filters as a query has them. */
export const filtersQuery = (filters: Readonly<Record<string, ReadonlyArray<string>>> | undefined) =>
  filters === undefined ? undefined : JSON.stringify(filters)

/** The rule of a list: the engine refused a filter. */
export const invalidFilter = (
  filters: Readonly<Record<string, ReadonlyArray<string>>> | undefined,
  error: EngineError
): InvalidRequest | undefined =>
  (error.status === 400 && /filter/.test(error.detail)) ||
  /invalid (volume )?filter|as time or duration|more than one until filter|one timestamp for until|a valid value for the \S+ filter|unknown container state|while looking up for (publish|expose)/i.test(
    error.detail
  ) ||
  // Of `before` and `since`.
  (error.status === 404 && filters !== undefined && /no such container|no container with/i.test(error.detail))
    ? new InvalidRequest({ field: "filters", value: JSON.stringify(filters ?? {}), detail: error.detail })
    : undefined

/** The rule of a prune: the engine refused a filter, or another prune of this kind is under way. */
export const pruneRefused =
  (kind: PruneInProgress["kind"], filters: Readonly<Record<string, ReadonlyArray<string>>> | undefined) =>
  (error: EngineError): InvalidRequest | PruneInProgress | undefined =>
    error.status === 409 && /prune operation is already running/.test(error.detail)
      ? new PruneInProgress({ kind, detail: error.detail })
      : invalidFilter(filters, error)
