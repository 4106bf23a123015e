import * as Schema from "effect/Schema"
import { RawObject } from "../api/decode.js"

/**
 * The disk usage of one kind of object.
 *
 * @since 0.1.0
 * @category schemas
 */
export const DiskUsageTotals = Schema.Struct({
  count: Schema.Number,
  active: Schema.Number.annotations({ description: "How many of them are in use" }),
  size: Schema.Number.annotations({ description: "In bytes" }),
  reclaimable: Schema.Number.annotations({
    description: "The bytes that pruning everything that is not in use would free"
  })
}).annotations({ identifier: "DiskUsageTotals", description: "The disk usage of one kind of object" })

/**
 * @since 0.1.0
 * @category models
 */
export type DiskUsageTotals = typeof DiskUsageTotals.Type

/**
 * The versions of the engine and its components.
 *
 * @since 0.1.0
 * @category schemas
 */
export const EngineVersion = Schema.Struct({
  version: Schema.String,
  apiVersion: Schema.String,
  minApiVersion: Schema.String.annotations({ description: "The oldest API version that the engine supports" }),
  os: Schema.String,
  arch: Schema.String,
  kernelVersion: Schema.String,
  components: Schema.Array(Schema.Struct({ name: Schema.String, version: Schema.String })),
  raw: RawObject
}).annotations({
  identifier: "EngineVersion",
  description: "The versions of the engine and its components"
})

/**
 * @since 0.1.0
 * @category models
 */
export type EngineVersion = typeof EngineVersion.Type

/**
 * The engine's disk usage, as `docker system df` computes it.
 *
 * @since 0.1.0
 * @category schemas
 */
export const DiskUsage = Schema.Struct({
  images: DiskUsageTotals,
  containers: DiskUsageTotals.annotations({
    description: "What containers have written, without their images and volumes"
  }),
  volumes: DiskUsageTotals,
  buildCache: DiskUsageTotals,
  raw: RawObject
}).annotations({ identifier: "DiskUsage", description: "The engine's disk usage, as docker system df computes it" })

/**
 * @since 0.1.0
 * @category models
 */
export type DiskUsage = typeof DiskUsage.Type

/**
 * The engine's configuration, its host, and how many containers and images it has.
 *
 * @since 0.1.0
 * @category schemas
 */
export const EngineInfo = Schema.Struct({
  id: Schema.String,
  name: Schema.String.annotations({ description: "The host name" }),
  serverVersion: Schema.String,
  operatingSystem: Schema.String,
  osType: Schema.String,
  architecture: Schema.String,
  kernelVersion: Schema.String,
  cpus: Schema.Number,
  memory: Schema.Number.annotations({ description: "In bytes" }),
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
  rootDirectory: Schema.String.annotations({ description: "Where the engine keeps its data, on its host" }),
  warnings: Schema.Array(Schema.String),
  raw: RawObject
}).annotations({
  identifier: "EngineInfo",
  description: "The engine's configuration, its host, and how many containers and images it has"
})

/**
 * @since 0.1.0
 * @category models
 */
export type EngineInfo = typeof EngineInfo.Type
