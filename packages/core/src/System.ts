/**
 * The engine as a whole: its version, configuration and disk usage.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Docker, type DockerRequest, type DockerShape } from "./Docker.js"
import { type DockerFailure, InvalidRequest, type PruneInProgress } from "./DockerError.js"
import { decodeRaw, decodeResponse, nullable, requestDecoded } from "./internal/api/decode.js"
import { decodeInfo, toEngineInfo } from "./internal/system/engineInfo.js"
import { decodeDiskUsage, diskUsageTotals } from "./internal/system/diskUsage.js"
import type { DiskUsage, EngineInfo, EngineVersion } from "./internal/system/systemModels.js"
import { mapEngineError } from "./internal/api/errors/errorRules.js"
import { filtersQuery, pruneRefused } from "./internal/api/filters.js"
import { retryWhilePruning } from "./internal/api/schedules.js"
import { traced } from "./internal/api/traced.js"
import { pruneVolumes } from "./internal/volumes/volumePrune.js"

export { DiskUsage, DiskUsageTotals, EngineInfo, EngineVersion } from "./internal/system/systemModels.js"

const Bytes = Schema.Number.annotations({ description: "In bytes" })

/**
 * The headers of the engine's response to a ping.
 *
 * @since 0.1.0
 * @category schemas
 */
export const EnginePing = Schema.Struct({
  apiVersion: Schema.String,
  osType: Schema.String,
  builderVersion: Schema.String.annotations({
    description: 'The builder that the engine recommends: "1" is the legacy builder, "2" is BuildKit'
  }),
  experimental: Schema.Boolean
}).annotations({ identifier: "EnginePing", description: "The headers of the engine's response to a ping" })

/**
 * @since 0.1.0
 * @category models
 */
export type EnginePing = typeof EnginePing.Type

/**
 * What to prune in addition to stopped containers, unused networks, dangling images and the build cache.
 *
 * @since 0.1.0
 * @category models
 */
export interface SystemPruneOptions {
  /** Also prunes tagged images that no container uses. Default `false`. */
  readonly allImages?: boolean
  /** Also prunes anonymous volumes that no container uses. Default `false`. */
  readonly volumes?: boolean
  /**
   * The engine's filters, such as `{ label: ["a=b"] }` or `{ until: ["24h"] }`. With any filter the build cache, which
   * has no labels, is not pruned.
   */
  readonly filters?: Readonly<Record<string, ReadonlyArray<string>>>
}

const Removed = Schema.Array(Schema.String)

/**
 * What a prune removed.
 *
 * @since 0.1.0
 * @category schemas
 */
export const SystemPruneReport = Schema.Struct({
  containers: Removed,
  networks: Removed,
  images: Removed.annotations({ description: "The tags that were removed, and the ids of the images deleted" }),
  volumes: Removed,
  buildCache: Removed,
  spaceReclaimed: Bytes
}).annotations({ identifier: "SystemPruneReport", description: "What a prune removed" })

/**
 * @since 0.1.0
 * @category models
 */
export type SystemPruneReport = typeof SystemPruneReport.Type

const decodeVersion = decodeResponse(
  Schema.Struct({
    Version: Schema.String,
    ApiVersion: Schema.String,
    MinAPIVersion: Schema.optional(Schema.String),
    Os: Schema.String,
    Arch: Schema.String,
    KernelVersion: Schema.optional(Schema.String),
    Components: nullable(Schema.Array(Schema.Struct({ Name: Schema.String, Version: Schema.String })))
  })
)

const Deleted = nullable(Schema.Array(Schema.String))
const decodePruned = decodeResponse(
  Schema.Struct({
    ContainersDeleted: Deleted,
    NetworksDeleted: Deleted,
    CachesDeleted: Deleted,
    ImagesDeleted: nullable(
      Schema.Array(Schema.Struct({ Untagged: nullable(Schema.String), Deleted: nullable(Schema.String) }))
    ),
    SpaceReclaimed: Schema.optional(Schema.Number)
  })
)

/** Sends a request, and returns the decoded response together with the raw one. */
const askWithRaw = <A>(
  docker: DockerShape,
  request: DockerRequest,
  decode: (request: DockerRequest, status: number, body: unknown) => Effect.Effect<A, DockerFailure>
) =>
  Effect.flatMap(docker.json(request), ({ body, status }) =>
    Effect.all({ response: decode(request, status, body), raw: decodeRaw(request, status, body) })
  )

const ping = (docker: DockerShape) =>
  Effect.map(docker.json({ method: "GET", path: "/_ping" }), ({ headers = {} }): EnginePing => ({
    apiVersion: headers["api-version"] ?? "",
    osType: headers["ostype"] ?? "",
    builderVersion: headers["builder-version"] ?? "",
    experimental: headers["docker-experimental"] === "true"
  }))

const version = (docker: DockerShape) =>
  Effect.map(
    askWithRaw(docker, { method: "GET", path: "/version" }, decodeVersion),
    ({ response, raw }): EngineVersion => ({
      version: response.Version,
      apiVersion: response.ApiVersion,
      minApiVersion: response.MinAPIVersion ?? "",
      os: response.Os,
      arch: response.Arch,
      kernelVersion: response.KernelVersion ?? "",
      components: (response.Components ?? []).map(({ Name, Version }) => ({ name: Name, version: Version })),
      raw
    })
  )

const info = (docker: DockerShape) =>
  Effect.map(askWithRaw(docker, { method: "GET", path: "/info" }, decodeInfo), ({ response, raw }) =>
    toEngineInfo(response, raw)
  )

const diskUsage = (docker: DockerShape) =>
  Effect.map(
    askWithRaw(docker, { method: "GET", path: "/system/df", timeout: "10 minutes" }, decodeDiskUsage),
    ({ response, raw }): DiskUsage => ({ ...diskUsageTotals(response), raw })
  )

const pruneKind = (
  docker: DockerShape,
  kind: PruneInProgress["kind"],
  path: string,
  filters: SystemPruneOptions["filters"],
  extraFilters: SystemPruneOptions["filters"] = {}
) => {
  const query = { filters: filtersQuery({ ...filters, ...extraFilters }) }
  const request = { method: "POST", path, query, timeout: "10 minutes" } as const
  return requestDecoded(docker, request, decodePruned).pipe(mapEngineError(pruneRefused(kind, filters)))
}

const prune = (docker: DockerShape, options: SystemPruneOptions) =>
  Effect.gen(function* () {
    const { filters } = options
    if (options.volumes === true && filters?.["until"] !== undefined) {
      const detail = 'volumes cannot be pruned by age. Remove the "until" filter, or do not prune volumes'
      return yield* new InvalidRequest({ field: "filters", value: JSON.stringify(filters), detail })
    }
    // Containers first: removing them frees the networks, volumes and images that they used.
    const containers = yield* pruneKind(docker, "containers", "/containers/prune", filters)
    const networks = yield* retryWhilePruning(pruneKind(docker, "networks", "/networks/prune", filters))
    const volumes =
      options.volumes === true
        ? yield* retryWhilePruning(
            pruneVolumes(docker, filters ?? {}).pipe(mapEngineError(pruneRefused("volumes", filters)))
          )
        : undefined
    const dangling = [options.allImages === true ? "false" : "true"]
    const images = yield* retryWhilePruning(pruneKind(docker, "images", "/images/prune", filters, { dangling }))
    const buildCache =
      filters === undefined
        ? yield* retryWhilePruning(pruneKind(docker, "build cache", "/build/prune", filters))
        : undefined
    const report: SystemPruneReport = {
      containers: containers.ContainersDeleted ?? [],
      networks: networks.NetworksDeleted ?? [],
      images: (images.ImagesDeleted ?? []).flatMap(({ Deleted, Untagged }) => Deleted ?? Untagged ?? []),
      volumes: volumes?.deleted ?? [],
      buildCache: buildCache?.CachesDeleted ?? [],
      spaceReclaimed: [containers, networks, images, buildCache].reduce(
        (sum, pruned) => sum + (pruned?.SpaceReclaimed ?? 0),
        volumes?.spaceReclaimed ?? 0
      )
    }
    return report
  })

const make = Effect.map(Docker, (docker): SystemShape => ({
  ping: traced("System.ping")(() => ping(docker)),
  version: traced("System.version")(() => version(docker)),
  info: traced("System.info")(() => info(docker)),
  diskUsage: traced("System.diskUsage")(() => diskUsage(docker)),
  prune: traced("System.prune")((options: SystemPruneOptions = {}) => prune(docker, options))
}))

/**
 * The service `System`.
 *
 * @since 0.1.0
 * @category services
 */
export interface SystemShape {
  /** `GET /_ping` */
  readonly ping: () => Effect.Effect<EnginePing, DockerFailure>
  /** `GET /version` */
  readonly version: () => Effect.Effect<EngineVersion, DockerFailure>
  /** `GET /info` */
  readonly info: () => Effect.Effect<EngineInfo, DockerFailure>
  /**
   * Takes minutes on an engine with many images or volumes. An engine that keeps its images in containerd fails with
   * `EngineError` if a container is removed meanwhile: call it again. `GET /system/df`
   */
  readonly diskUsage: () => Effect.Effect<DiskUsage, DockerFailure>
  /**
   * Removes what is not in use: stopped containers, networks, dangling images, the build cache, and volumes if asked to.
   * Fails with `PruneInProgress`, and removes nothing, while another client prunes containers. After that, it waits up to
   * 5 seconds for other prunes to finish.
   * `POST /containers/prune`, `/networks/prune`, `/images/prune`, `/volumes/prune`, `/build/prune`
   */
  readonly prune: (
    options?: SystemPruneOptions
  ) => Effect.Effect<SystemPruneReport, PruneInProgress | InvalidRequest | DockerFailure>
}

/**
 * Reads the engine's version, configuration and disk usage, and prunes what is not in use.
 *
 * @example
 * ```ts
 * import { Docker, System } from "@dockwire/core"
 * import { Effect, Layer } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const system = yield* System
 *   const { version } = yield* system.version()
 *   const { images } = yield* system.diskUsage()
 *   return `${version}: ${images.count} images of ${images.size} bytes`
 * })
 *
 * const live = System.layer.pipe(Layer.provide(Docker.layerConfig))
 * console.log(await Effect.runPromise(program.pipe(Effect.provide(live))))
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class System extends Context.Tag("@dockwire/core/System")<System, SystemShape>() {
  /**
   * @since 0.1.0
   * @category layers
   */
  static readonly layer: Layer.Layer<System, never, Docker> = Layer.effect(System, make)
}
