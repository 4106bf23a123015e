/**
 * The readings of a container's stats.
 *
 * @since 0.1.0
 */

/**
 * A reading, as `docker stats` computes it. Of a container that is not running only the status. Sizes are in bytes, those of
 * networks and block devices since the start; 100 percent of CPU are one whole processor.
 *
 * @since 0.1.0
 * @category models
 */
export type ContainerStatsData =
  | {
      readonly status: "running"
      readonly name: string
      readonly cpu_percent: number
      readonly memory_usage: number
      readonly memory_limit: number
      readonly memory_percent: number
      readonly network_received: number
      readonly network_sent: number
      readonly block_read: number
      readonly block_written: number
      readonly pids: number
    }
  | { readonly status: "stopped" | "removed" }

/**
 * A reading of a container's stats, not part of a room's history: it has no `seq`. After a container was removed, `left` follows.
 *
 * @since 0.1.0
 * @category models
 */
export interface ContainerStatsMessage {
  readonly event: "container_stats"
  readonly room: string
  readonly seq?: number
  readonly position?: string
  readonly data: {
    readonly container_id: string
    readonly stats: ContainerStatsData
    readonly timestamp: string
  }
}
