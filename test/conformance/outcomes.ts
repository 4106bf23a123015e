import type { Column } from "./cell.js"
import type { EngineName } from "./engineName.js"

/**
 * The outcome of a cell: it passed (`ok`), it passed with a documented difference (`differs`), the engine does not support it
 * (`unsupported`), there is nothing to test (`-`), or it is left to `npm run conformance` (`left`).
 */
export type Outcome = "ok" | "differs" | "unsupported" | "-" | "left" | "FAILED"

/** How an engine differs from Docker 26.1. */
export interface EngineDifference {
  /** `Service.method`. */
  readonly method: string
  readonly what: string
  readonly why: string
}

/** The outcomes of one engine, by method. */
export interface EngineOutcomes {
  readonly engine: EngineName
  readonly version: string
  readonly cells: Readonly<Record<string, Partial<Record<Column, Outcome>>>>
  readonly differences: ReadonlyArray<EngineDifference>
}

/** The outcomes of a run of the table with one version of Node. */
export interface TableRun {
  readonly node: string
  readonly engines: ReadonlyArray<EngineOutcomes>
}

/** The environment variables that control a run of the table. */
export const settings = {
  /** The engines, separated by commas. Default: memory and usual. */
  engines: "DOCKWIRE_CONFORMANCE_ENGINES",
  /** The file to write the outcomes to, a `TableRun` as JSON. Default: none. */
  outcomes: "DOCKWIRE_CONFORMANCE_OUTCOMES"
} as const
