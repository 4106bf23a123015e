import type { Column } from "./cell.js"
import type { EngineName } from "./engineName.js"

/**
 * What came of a cell: it held (`ok`), it held in the engine's own way (`differs`), the engine has no such thing (`lacks`),
 * there is nothing to test (`-`).
 */
export type Outcome = "ok" | "differs" | "lacks" | "-" | "FAILED"

/** In what an engine has its own way. */
export interface OwnWay {
  /** `Service.method`. */
  readonly method: string
  readonly what: string
  readonly why: string
}

/** What came of the cells of one engine, by method. */
export interface EngineOutcomes {
  readonly engine: EngineName
  readonly version: string
  readonly cells: Readonly<Record<string, Partial<Record<Column, Outcome>>>>
  readonly ownWays: ReadonlyArray<OwnWay>
}

/** What came of a run of the table under one Node. */
export interface TableRun {
  readonly node: string
  readonly engines: ReadonlyArray<EngineOutcomes>
}

/** Where a run of the table is told what to do, and where it leaves what came of it. */
export const settings = {
  /** The engines, with commas between; memory and usual when not set. */
  engines: "DOCKWIRE_CONFORMANCE_ENGINES",
  /** The file for what came of it, a `TableRun` as JSON; none when not set. */
  outcomes: "DOCKWIRE_CONFORMANCE_OUTCOMES"
} as const
