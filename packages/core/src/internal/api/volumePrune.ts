import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { DockerShape } from "../../Docker.js"
import type { DockerFailure } from "../../DockerError.js"
import { StringRecord, decodeAnswer, nullable } from "./decode.js"
import { filtersQuery } from "./filters.js"
import { hasApi } from "./apiVersion.js"
import type { PruneReport } from "./pruneReport.js"

type Filters = Readonly<Record<string, ReadonlyArray<string>>>

const decodeRemoved = decodeAnswer(
  Schema.Struct({
    VolumesDeleted: nullable(Schema.Array(Schema.String)),
    SpaceReclaimed: Schema.optional(Schema.Number)
  })
)
const decodeFound = decodeAnswer(
  Schema.Struct({
    Volumes: nullable(Schema.Array(Schema.Struct({ Name: Schema.String, Labels: nullable(StringRecord) })))
  })
)
const decodeUsage = decodeAnswer(
  Schema.Struct({
    Volumes: nullable(
      Schema.Array(Schema.Struct({ Name: Schema.String, UsageData: nullable(Schema.Struct({ Size: Schema.Number })) }))
    )
  })
)

const timeout = "10 minutes"

/** A name that the engine made up. */
const anonymous = /^[0-9a-f]{64}$/

/** Whether it has the label of a filter, `key` or `key=value`. */
const has = (labels: Readonly<Record<string, string>>, filter: string): boolean =>
  Object.entries(labels).some(([key, value]) => filter === key || filter === `${key}=${value}`)

/** How many bytes each takes, where the engine knows. */
const sizes = (docker: DockerShape) =>
  Effect.gen(function* () {
    const request = { method: "GET", path: "/system/df", timeout } as const
    const { body, status } = yield* docker.json(request)
    const { Volumes } = yield* decodeUsage(request, status, body)
    return new Map((Volumes ?? []).map(({ Name, UsageData }) => [Name, Math.max(0, UsageData?.Size ?? 0)]))
  })

/** Removes it, unless it is in use, or removed already. */
const removed = (docker: DockerShape, name: string): Effect.Effect<boolean, DockerFailure> =>
  docker.json({ method: "DELETE", path: `/volumes/${encodeURIComponent(name)}` }).pipe(
    Effect.as(true),
    Effect.catchIf(
      (error) => error._tag === "EngineError" && (error.status === 404 || error.status === 409),
      () => Effect.succeed(false)
    )
  )

const pruneOneByOne = (docker: DockerShape, filters: Filters): Effect.Effect<PruneReport, DockerFailure> =>
  Effect.gen(function* () {
    const { all = [], label = [], "label!": without = [], ...others } = filters
    const named = all.some((value) => /^(1|t|true)$/i.test(value))
    // What is left is nothing that a prune can be filtered by: the engine says so.
    const query = { filters: filtersQuery({ ...others, dangling: ["true"] }) }
    const request = { method: "GET", path: "/volumes", query } as const
    const { body, status } = yield* docker.json(request)
    const { Volumes } = yield* decodeFound(request, status, body)
    const meant = (Volumes ?? []).filter(
      ({ Labels, Name }) =>
        (named || anonymous.test(Name)) &&
        label.every((one) => has(Labels ?? {}, one)) &&
        !without.some((one) => has(Labels ?? {}, one))
    )
    const known = meant.length === 0 ? new Map<string, number>() : yield* sizes(docker)
    const gone = yield* Effect.filter(meant, ({ Name }) => removed(docker, Name))
    return {
      deleted: gone.map(({ Name }) => Name),
      spaceReclaimed: gone.reduce((sum, { Name }) => sum + (known.get(Name) ?? 0), 0)
    }
  })

/**
 * Removes the volumes that no container uses: the anonymous ones, and with the filter `all=true` those with names too.
 *
 * Engines before API 1.42 prune those with names always, and know of none that it is anonymous: there its made-up name
 * tells. Podman takes those that meet any of the filters. So on these they are looked for, and removed one by one.
 */
export const pruneVolumes = (docker: DockerShape, filters: Filters): Effect.Effect<PruneReport, DockerFailure> =>
  Effect.gen(function* () {
    if (!(yield* hasApi(docker, 42))) return yield* pruneOneByOne(docker, filters)
    const request = {
      method: "POST",
      path: "/volumes/prune",
      query: { filters: Object.keys(filters).length === 0 ? undefined : filtersQuery(filters) },
      timeout
    } as const
    const { body, status } = yield* docker.json(request)
    const { SpaceReclaimed, VolumesDeleted } = yield* decodeRemoved(request, status, body)
    return { deleted: VolumesDeleted ?? [], spaceReclaimed: SpaceReclaimed ?? 0 }
  })
