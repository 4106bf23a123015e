/** Finds a container among those whose logs are kept. */
import type { LogGeneration, LogSource } from "../StoredLog.js"

/** A container, and the source that it belongs to. */
export interface KeptContainer {
  readonly source: LogSource
  readonly generation: LogGeneration
}

const newest = (found: ReadonlyArray<KeptContainer>): KeptContainer | undefined =>
  found.reduce<KeptContainer | undefined>(
    (best, each) => (best === undefined || each.generation.lastTimestamp > best.generation.lastTimestamp ? each : best),
    undefined
  )

/** What the start of an id consists of. */
const idStart = /^[0-9a-f]{4,64}$/

/**
 * The container with this full id; else the newest with this name; else the only one whose id begins with it. `undefined` if
 * there is none.
 */
export const findKeptContainer = (sources: ReadonlyArray<LogSource>, idOrName: string): KeptContainer | undefined => {
  const all = sources.flatMap((source) => source.generations.map((generation) => ({ source, generation })))
  const exact = all.find(({ generation }) => generation.containerId === idOrName)
  const named = exact ?? newest(all.filter(({ generation }) => generation.containerName === idOrName))
  if (named !== undefined || !idStart.test(idOrName)) return named
  const begun = all.filter(({ generation }) => generation.containerId.startsWith(idOrName))
  return begun.length === 1 ? begun[0] : undefined
}
