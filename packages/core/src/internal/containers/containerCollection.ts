import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { DockerShape } from "../../Docker.js"
import { type EngineError, ImageNotFound, InvalidRequest, NameConflict } from "../../DockerError.js"
import { decodeResponse, nullable, requestDecoded } from "../api/decode.js"
import { isNameTaken, mapEngineError } from "../api/errors/errorRules.js"
import { filtersQuery, invalidFilter, pruneRefused, type PruneReport } from "../api/filters.js"
import { traced } from "../api/traced.js"
import type { CreatedContainer } from "./containerModels.js"
import { blamedField } from "./spec/blamedField.js"
import type { ContainerSpec } from "./spec/containerSpec.js"
import { describeField, encodeContainerSpec } from "./spec/encodeContainer.js"
import { decodeContainerSummaries } from "./decodeContainer.js"

/**
 * Options of `Containers.list`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ContainerListOptions {
  /** Whether to include containers that are not running. Default: true. */
  readonly all?: boolean
  /** The engine's filters, such as `{ status: ["running"], label: ["a=b"] }`. */
  readonly filters?: Readonly<Record<string, ReadonlyArray<string>>>
  /** Whether to measure `sizeRw` and `sizeRootFs`, which takes the engine a while. Default: false. */
  readonly size?: boolean
  /** At most this many containers, the newest ones. The engine then ignores `all: false`; filter by `status` instead. */
  readonly limit?: number
}

const decodeCreated = decodeResponse(
  Schema.Struct({ Id: Schema.String, Warnings: nullable(Schema.Array(Schema.String)) })
)

const decodePruned = decodeResponse(
  Schema.Struct({
    ContainersDeleted: nullable(Schema.Array(Schema.String)),
    SpaceReclaimed: Schema.optional(Schema.Number)
  })
)

const validateLimit = (limit: number | undefined): Effect.Effect<number | undefined, InvalidRequest> =>
  limit === undefined || Number.isSafeInteger(limit)
    ? Effect.succeed(limit)
    : Effect.fail(new InvalidRequest({ field: "limit", value: String(limit), detail: "must be a whole number" }))

/** Something else than the image that the spec refers to does not exist. */
const isReferenceMissing = ({ detail, status }: EngineError) =>
  status === 404 &&
  /no such container|no container with|network .* not found|no such (network|volume)|plugin/i.test(detail)

const createError = (spec: ContainerSpec, error: EngineError) => {
  const { detail, status } = error
  if (status === 404 && /no such image|does not match the specified platform/i.test(detail)) {
    return new ImageNotFound({ image: spec.image, detail })
  }
  if (isNameTaken(error)) return new NameConflict({ name: spec.name ?? "", detail })
  if (
    status !== 400 &&
    !isReferenceMissing(error) &&
    !/^invalid volume specification|: invalid argument$/.test(detail)
  ) {
    return undefined
  }
  const field = blamedField(detail)
  return field === undefined
    ? new InvalidRequest({ field: "container specification", value: spec.name ?? spec.image, detail })
    : new InvalidRequest({ field, value: describeField(spec, field), detail })
}

/** Methods of `Containers` that operate on the collection: `list`, `create` and `prune`. */
export const containerCollection = (docker: DockerShape) => ({
  list: traced("Containers.list")((options: ContainerListOptions = {}) =>
    validateLimit(options.limit).pipe(
      Effect.flatMap((limit) =>
        requestDecoded(
          docker,
          {
            method: "GET",
            path: "/containers/json",
            query: { all: options.all ?? true, filters: filtersQuery(options.filters), size: options.size, limit }
          },
          decodeContainerSummaries(options.size ?? false)
        )
      ),
      mapEngineError((error) => invalidFilter(options.filters, error))
    )
  ),

  create: traced("Containers.create")((spec: ContainerSpec) =>
    encodeContainerSpec(spec).pipe(
      Effect.flatMap((body) =>
        requestDecoded(
          docker,
          { method: "POST", path: "/containers/create", query: { name: spec.name, platform: spec.platform }, body },
          decodeCreated
        )
      ),
      Effect.map(({ Id, Warnings }): CreatedContainer => ({ id: Id, warnings: Warnings ?? [] })),
      mapEngineError((error) => createError(spec, error))
    )
  ),

  prune: traced("Containers.prune")((options: Pick<ContainerListOptions, "filters"> = {}) =>
    requestDecoded(
      docker,
      { method: "POST", path: "/containers/prune", query: { filters: filtersQuery(options.filters) } },
      decodePruned
    ).pipe(
      Effect.map(({ ContainersDeleted, SpaceReclaimed }): PruneReport => ({
        deleted: ContainersDeleted ?? [],
        spaceReclaimed: SpaceReclaimed ?? 0
      })),
      mapEngineError(pruneRefused("containers", options.filters))
    )
  )
})
