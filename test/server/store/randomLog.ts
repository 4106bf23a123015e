import type { LogLine, LogMark } from "@dockwire/core"
import type { LogSourceKey } from "../../../packages/server/src/store/LogRecord.js"

/** Random numbers that a seed determines. */
export const randomFrom = (seed: number) => {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  return {
    next,
    below,
    chance: (rate: number): boolean => next() < rate,
    pick: <A>(values: readonly [A, ...ReadonlyArray<A>]): A => values[below(values.length)] ?? values[0]
  }
}

export type Random = ReturnType<typeof randomFrom>

const words = [
  "GET",
  "/api/items",
  "connection",
  "refused",
  "ERROR",
  "info",
  "WARN",
  "größe",
  "Straße",
  "日本語",
  "status=500",
  '{"level":"debug","id":7}',
  "timeout",
  "a.b*c",
  "\t",
  "\r",
  ""
] as const

export const randomText = (random: Random): string => {
  if (random.chance(0.02)) return ""
  const count = random.chance(0.01) ? 2_000 : 1 + random.below(16)
  const text = Array.from({ length: count }, () =>
    random.chance(0.3) ? random.below(1e9).toString(36) : random.pick(words)
  ).join(" ")
  return random.chance(0.01) ? `${text}\n${text}\n` : text
}

/** The log of a container, and the source that it belongs to. */
export interface ContainerLog {
  readonly source: LogSourceKey
  readonly containerId: string
  readonly containerName: string
  readonly elements: ReadonlyArray<LogLine | LogMark>
}

const timestampOf = (nanos: bigint): string =>
  `${new Date(Number(nanos / 1_000_000n)).toISOString().slice(0, 20)}${String(nanos % 1_000_000_000n).padStart(9, "0")}Z`

/** A log with equal lines, equal times, times that fall, parts of lines, and marks. */
export const randomLog = (
  random: Random,
  source: LogSourceKey,
  containerId: string,
  count: number,
  start: bigint
): ContainerLog => {
  let nanos = start
  let text = randomText(random)
  const elements = Array.from({ length: count }, (): LogLine | LogMark => {
    if (random.chance(0.001)) nanos -= BigInt(random.below(1e9)) * 100n
    else if (!random.chance(0.2)) nanos += BigInt(random.below(random.chance(0.01) ? 2e9 : 5e6))
    const timestamp = timestampOf(nanos)
    if (random.chance(0.003)) {
      const gap = { mark: "gap", from: timestamp, to: timestamp, reason: "It was rotated away." } as const
      return random.chance(0.5)
        ? { _tag: "LogMark", containerId, timestamp, ...gap }
        : { _tag: "LogMark", containerId, timestamp, mark: "started" }
    }
    if (!random.chance(0.1)) text = randomText(random)
    const stream = random.chance(0.3) ? "stderr" : "stdout"
    const part = random.chance(0.005) ? { part: { index: 1 + random.below(3), last: random.chance(0.5) } } : {}
    return { _tag: "LogLine", containerId, stream, timestamp, text, ...part }
  })
  return { source, containerId, containerName: `name-of-${containerId}`, elements }
}
