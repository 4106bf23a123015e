import type { ProgramUsage } from "@dockwire/core/MemoryEngine"

/** The average usage of a program. Its actual usage oscillates around it. */
export interface AverageUsage {
  /** CPUs. */
  readonly cpu: number
  /** Bytes. */
  readonly memory: number
  /** Bytes per second, as are the following. */
  readonly received?: number
  readonly sent?: number
  readonly read?: number
  readonly written?: number
  /** The period of the oscillation, in seconds. */
  readonly period: number
}

/** The amplitude of the oscillation, relative to the average. */
const amplitude = 0.6

/** The `usage` of a `MemoryProgram` with the given average. */
export const oscillatingUsage =
  ({ cpu, memory, period, read = 0, received = 0, sent = 0, written = 0 }: AverageUsage) =>
  (seconds: number): ProgramUsage => {
    const frequency = (2 * Math.PI) / period
    // The integral of 1 + amplitude · sin, which never decreases.
    const total = seconds + (amplitude / frequency) * (1 - Math.cos(frequency * seconds))
    return {
      cpuSeconds: cpu * total,
      // Memory fills up during the first minutes.
      memory: memory * (1 - 0.4 * Math.exp(-seconds / 120) + 0.03 * Math.sin(frequency * seconds)),
      received: received * total,
      sent: sent * total,
      read: read * total,
      written: written * total
    }
  }
