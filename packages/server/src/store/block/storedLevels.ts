/** Levels by the number that stands for them on the disk. */
import type { LogLevel } from "@dockwire/core/LogLevel"

export const storedLevels = [
  "unknown",
  "trace",
  "debug",
  "info",
  "warn",
  "error",
  "fatal"
] as const satisfies ReadonlyArray<LogLevel>

const numbers: ReadonlyMap<LogLevel, number> = new Map(storedLevels.map((level, number) => [level, number]))

export const levelNumber = (level: LogLevel): number => numbers.get(level) ?? 0
