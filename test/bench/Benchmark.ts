import type { AvailableEngine } from "../engine/ensureEngine.js"

/** The goal for a measured value. */
export interface Goal {
  /** The goal as text: `at least 0.9`. */
  readonly text: string
  readonly isMet: (median: number) => boolean
}

/** A row of the result. */
export interface Row {
  readonly name: string
  readonly unit: string
  /** One value for each round. The result shows the median and the extremes. */
  readonly values: ReadonlyArray<number>
  readonly goal?: Goal
  /** A remark to the value, or instead of a value if `values` is empty. */
  readonly note?: string
}

/** The options of a benchmark. */
export interface BenchContext {
  readonly engine: AvailableEngine
  /** Measures less of everything, to check that the benchmark runs. */
  readonly quick: boolean
  /** Reports progress. */
  readonly progress: (line: string) => void
}

/** A benchmark. Its variants alternate, round by round, in one run. */
export interface Benchmark {
  readonly name: string
  readonly title: string
  readonly run: (context: BenchContext) => Promise<ReadonlyArray<Row>>
}

/** A goal that a value must reach or exceed. */
export const atLeast = (limit: number): Goal => ({ text: `>= ${limit}`, isMet: (median) => median >= limit })

/** A goal that a value must not exceed. */
export const atMost = (limit: number): Goal => ({ text: `<= ${limit}`, isMet: (median) => median <= limit })
