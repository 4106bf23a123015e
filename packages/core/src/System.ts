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
import { decodeResponse, nullable, decodeRaw } from "./internal/api/decode.js"
import { decodeDiskUsage, diskUsageTotals, DiskUsageTotals } from "./internal/system/diskUsage.js"
import { mapEngineError } from "./internal/api/errorRules.js"
import { filtersQuery } from "./internal/api/filters.js"
import { pruneRefused } from "./internal/api/prune.js"
import { retryWhilePruning } from "./internal/api/schedules.js"
import { pruneVolumes } from "./internal/volumes/volumePrune.js"

export { DiskUsageTotals } from "./internal/system/diskUsage.js"

const Bytes = Schema.Number.annotations({ description: "In bytes." })

const Raw = Schema.Record({ key: Schema.String, value: Schema.Unknown }).annotations({
  description: "The complete response from the engine."
})

/**
 * The headers of the engine's answer to a ping.
 *
 * @since 0.1.0
 * @category models
 */
export const EnginePing = Schema.Struct({
  apiVersion: Schema.String,
  osType: Schema.String,
  builderVersion: Schema.String.annotations({
    description: 'The builder that the engine recommends: "1" is the legacy builder, "2" is BuildKit.'
  }),
  experimental: Schema.Boolean
}).annotations({ identifier: "EnginePing", description: "The headers of the engine's answer to a ping." })

/**
 * @since 0.1.0
 * @category models
 */
export type EnginePing = typeof EnginePing.Type

/**
 * The versions of the engine and its components.
 *
 * @since 0.1.0
 * @category models
 */
export const EngineVersion = Schema.Struct({
  version: Schema.String,
  apiVersion: Schema.String,
  minApiVersion: Schema.String.annotations({ description: "The oldest API version that the engine supports." }),
  os: Schema.String,
  arch: Schema.String,
  kernelVersion: Schema.String,
  components: Schema.Array(Schema.Struct({ name: Schema.String, version: Schema.String })),
  raw: Raw
}).annotations({
  identifier: "EngineVersion",
  description: "The versions of the engine and its components."
})

/**
 * @since 0.1.0
 * @category models
 */
export type EngineVersion = typeof EngineVersion.Type

/**
 * The engine's configuration, its host, and how many containers and images it has.
 *
 * @since 0.1.0
 * @category models
 */
export const EngineInfo = Schema.Struct({
  id: Schema.String,
  name: Schema.String.annotations({ description: "The host name." }),
  serverVersion: Schema.String,
  operatingSystem: Schema.String,
  osType: Schema.String,
  architecture: Schema.String,
  kernelVersion: Schema.String,
  cpus: Schema.Number,
  memory: Bytes,
  containers: Schema.Struct({
    all: Schema.Number,
    running: Schema.Number,
    paused: Schema.Number,
    stopped: Schema.Number
  }),
  images: Schema.Number,
  storageDriver: Schema.String,
  loggingDriver: Schema.String,
  cgroupVersion: Schema.String,
  rootDirectory: Schema.String.annotations({ description: "Where the engine keeps its data, on its host." }),
  warnings: Schema.Array(Schema.String),
  raw: Raw
}).annotations({
  identifier: "EngineInfo",
  description: "The engine's configuration, its host, and how many containers and images it has."
})

/**
 * @since 0.1.0
 * @category models
 */
export type EngineInfo = typeof EngineInfo.Type

/**
 * The engine's disk usage, as `docker system df` computes it.
 *
 * @since 0.1.0
 * @category models
 */
export const DiskUsage = Schema.Struct({
  images: DiskUsageTotals,
  containers: DiskUsageTotals.annotations({
    description: "What containers have written, without their images and volumes."
  }),
  volumes: DiskUsageTotals,
  buildCache: DiskUsageTotals,
  raw: Raw
}).annotations({ identifier: "DiskUsage", description: "The engine's disk usage, as docker system df computes it." })

/**
 * @since 0.1.0
 * @category models
 */
export type DiskUsage = typeof DiskUsage.Type

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
 * @category models
 */
export const SystemPruneReport = Schema.Struct({
  containers: Removed,
  networks: Removed,
  images: Removed.annotations({ description: "The tags that were removed, and the ids of the images deleted." }),
  volumes: Removed,
  buildCache: Removed,
  spaceReclaimed: Bytes
}).annotations({ identifier: "SystemPruneReport", description: "What a prune removed." })

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

const decodeInfo = decodeResponse(
  Schema.Struct({
    ID: Schema.String,
    Name: Schema.String,
    ServerVersion: Schema.String,
    OperatingSystem: Schema.String,
    OSType: Schema.String,
    Architecture: Schema.String,
    KernelVersion: Schema.String,
    NCPU: Schema.Number,
    MemTotal: Schema.Number,
    Containers: Schema.Number,
    ContainersRunning: Schema.Number,
    ContainersPaused: Schema.Number,
    ContainersStopped: Schema.Number,
    Images: Schema.Number,
    Driver: Schema.String,
    LoggingDriver: Schema.String,
    CgroupVersion: Schema.optional(Schema.String),
    DockerRootDir: Schema.String,
    Warnings: nullable(Schema.Array(Schema.String))
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

/** Also returns the engine's response as it is. */
const askWithRaw = <A>(
  docker: DockerShape,
  request: DockerRequest,
  decode: (request: DockerRequest, status: number, body: unknown) => Effect.Effect<A, DockerFailure>
) =>
  Effect.flatMap(docker.json(request), ({ body, status }) =>
    Effect.all({ answer: decode(request, status, body), raw: decodeRaw(request, status, body) })
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
    ({ answer, raw }): EngineVersion => ({
      version: answer.Version,
      apiVersion: answer.ApiVersion,
      minApiVersion: answer.MinAPIVersion ?? "",
      os: answer.Os,
      arch: answer.Arch,
      kernelVersion: answer.KernelVersion ?? "",
      components: (answer.Components ?? []).map(({ Name, Version }) => ({ name: Name, version: Version })),
      raw
    })
  )

const info = (docker: DockerShape) =>
  Effect.map(askWithRaw(docker, { method: "GET", path: "/info" }, decodeInfo), ({ answer, raw }): EngineInfo => ({
    id: answer.ID,
    name: answer.Name,
    serverVersion: answer.ServerVersion,
    operatingSystem: answer.OperatingSystem,
    osType: answer.OSType,
    architecture: answer.Architecture,
    kernelVersion: answer.KernelVersion,
    cpus: answer.NCPU,
    memory: answer.MemTotal,
    containers: {
      all: answer.Containers,
      running: answer.ContainersRunning,
      paused: answer.ContainersPaused,
      stopped: answer.ContainersStopped
    },
    images: answer.Images,
    storageDriver: answer.Driver,
    loggingDriver: answer.LoggingDriver,
    cgroupVersion: answer.CgroupVersion ?? "",
    rootDirectory: answer.DockerRootDir,
    warnings: answer.Warnings ?? [],
    raw
  }))

const diskUsage = (docker: DockerShape) =>
  Effect.map(
    askWithRaw(docker, { method: "GET", path: "/system/df", timeout: "10 minutes" }, decodeDiskUsage),
    ({ answer, raw }): DiskUsage => ({ ...diskUsageTotals(answer), raw })
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
  return Effect.flatMap(docker.json(request), ({ body, status }) => decodePruned(request, status, body)).pipe(
    mapEngineError(pruneRefused(kind, filters))
  )
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
  ping: Effect.fn("System.ping")(() => ping(docker)),
  version: Effect.fn("System.version")(() => version(docker)),
  info: Effect.fn("System.info")(() => info(docker)),
  diskUsage: Effect.fn("System.diskUsage")(() => diskUsage(docker)),
  prune: Effect.fn("System.prune")((options: SystemPruneOptions = {}) => prune(docker, options))
}))

/**
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
  /** Takes minutes on an engine with many images or volumes. `GET /system/df` */
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
