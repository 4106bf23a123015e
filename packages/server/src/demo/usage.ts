import type { ProgramUsage } from "@dockwire/core/MemoryEngine"

/** What a part of the demo uses on the average; it goes up and down around that. */
export interface AverageUse {
  /** Of one processor. */
  readonly processor: number
  /** Bytes. */
  readonly memory: number
  /** Bytes a second. */
  readonly received?: number
  readonly sent?: number
  readonly read?: number
  readonly written?: number
  /** Seconds from one height to the next. */
  readonly wave: number
}

/** How far up and down, of the average. */
const swing = 0.6

/** What has been used after so many seconds, as `MemoryProgram` has it. */
export const usage =
  ({ memory, processor, read = 0, received = 0, sent = 0, wave, written = 0 }: AverageUse) =>
  (seconds: number): ProgramUsage => {
    const turn = (2 * Math.PI) / wave
    // All that has come together under 1 + swing · sin: it never falls.
    const so = seconds + (swing / turn) * (1 - Math.cos(turn * seconds))
    return {
      cpuSeconds: processor * so,
      // It fills up in its first minutes.
      memory: memory * (1 - 0.4 * Math.exp(-seconds / 120) + 0.03 * Math.sin(turn * seconds)),
      received: received * so,
      sent: sent * so,
      read: read * so,
      written: written * so
    }
  }
