import * as Schema from "effect/Schema"

/**
 * The resource usage of a running container, as `docker stats` computes it.
 *
 * @since 0.1.0
 * @category schemas
 */
export const RunningStats = Schema.TaggedStruct("Running", {
  containerId: Schema.String,
  name: Schema.String,
  timestamp: Schema.String.annotations({ description: "By the engine's clock, RFC 3339 with nanoseconds" }),
  cpuPercent: Schema.Number.annotations({ description: "100 is one whole processor, 150 one and a half" }),
  memoryUsage: Schema.Number.annotations({
    description: "In bytes, without the part of the page cache that can be reclaimed"
  }),
  memoryLimit: Schema.Number.annotations({
    description: "In bytes. The host's memory if the container has no limit"
  }),
  memoryPercent: Schema.Number,
  networkReceived: Schema.Number.annotations({ description: "In bytes since the start, over all networks" }),
  networkSent: Schema.Number.annotations({ description: "In bytes since the start, over all networks" }),
  blockRead: Schema.Number.annotations({ description: "In bytes since the start" }),
  blockWritten: Schema.Number.annotations({ description: "In bytes since the start" }),
  pids: Schema.Number.annotations({ description: "How many processes and threads there are" })
}).annotations({
  identifier: "RunningStats",
  description: "The resource usage of a running container, as docker stats computes it"
})

/**
 * @since 0.1.0
 * @category models
 */
export type RunningStats = typeof RunningStats.Type

/**
 * A container that is not running, and so uses nothing.
 *
 * @since 0.1.0
 * @category schemas
 */
export const StoppedStats = Schema.TaggedStruct("Stopped", { containerId: Schema.String }).annotations({
  identifier: "StoppedStats",
  description: "A container that is not running, and so uses nothing"
})

/**
 * @since 0.1.0
 * @category models
 */
export type StoppedStats = typeof StoppedStats.Type

/**
 * The resource usage of a container.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ContainerStats = Schema.Union(RunningStats, StoppedStats).annotations({
  identifier: "ContainerStats",
  description: "The resource usage of a container"
})

/**
 * @since 0.1.0
 * @category models
 */
export type ContainerStats = typeof ContainerStats.Type
