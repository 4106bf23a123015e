/**
 * The object of `get_container_stats`.
 *
 * @since 0.1.0
 */
import type { RunningStats } from "@dockwire/core/Stats"
import { shortId } from "./shortId.js"
import { bytesSize, humanSize, percentText } from "./sizeText.js"

/**
 * The resource usage of a container, with the texts of `docker stats`.
 *
 * @since 0.1.0
 * @category models
 */
export interface StatsRow {
  /** Bytes read and written: `0B / 0B`. */
  BlockIO: string
  /** `0.13%`; 100 is one whole processor. */
  CPUPerc: string
  /** The id or name as it was passed. */
  Container: string
  /** The first 12 digits of the id. */
  ID: string
  /** `0.00%` */
  MemPerc: string
  /** In use, and the limit: `1.016MiB / 23.54GiB`. */
  MemUsage: string
  Name: string
  /** Bytes received and sent: `1.01kB / 0B`. */
  NetIO: string
  PIDs: string
}

/** The usage as numbers. A container that is not running uses nothing. */
export type Usage = Pick<
  RunningStats,
  | "blockRead"
  | "blockWritten"
  | "containerId"
  | "cpuPercent"
  | "memoryLimit"
  | "memoryPercent"
  | "memoryUsage"
  | "name"
  | "networkReceived"
  | "networkSent"
  | "pids"
>

/** Converts the usage of a container, which was asked for as `container`. */
export const statsRow = (container: string, usage: Usage): StatsRow => ({
  BlockIO: `${humanSize(usage.blockRead)} / ${humanSize(usage.blockWritten)}`,
  CPUPerc: percentText(usage.cpuPercent),
  Container: container,
  ID: shortId(usage.containerId),
  MemPerc: percentText(usage.memoryPercent),
  MemUsage: `${bytesSize(usage.memoryUsage)} / ${bytesSize(usage.memoryLimit)}`,
  Name: usage.name,
  NetIO: `${humanSize(usage.networkReceived)} / ${humanSize(usage.networkSent)}`,
  PIDs: String(usage.pids)
})

/** The usage of a container that is not running. */
export const noUsage = (containerId: string, name: string): Usage => ({
  blockRead: 0,
  blockWritten: 0,
  containerId,
  cpuPercent: 0,
  memoryLimit: 0,
  memoryPercent: 0,
  memoryUsage: 0,
  name,
  networkReceived: 0,
  networkSent: 0,
  pids: 0
})
