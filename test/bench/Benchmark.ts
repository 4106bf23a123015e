import type { AvailableEngine } from "../engine/ensureEngine.js"

/** What a figure must reach. */
export interface Goal {
  /** As a person reads it: `at least 0.9`. */
  readonly text: string
  readonly isMet: (median: number) => boolean
}

/** One line of the result. */
export interface Row {
  readonly name: string
  readonly unit: string
  /** One value a round; the median and the extremes are what is shown. */
  readonly values: ReadonlyArray<number>
  readonly goal?: Goal
  /** What there is to say when the figure alone doesn't; or instead of one, where `values` is empty. */
  readonly note?: string
}

/** What a benchmark is given. */
export interface BenchContext {
  readonly engine: AvailableEngine
  /** Less of everything: to see that it runs, and what the figures are about. */
  readonly quick: boolean
  /** Says what is going on, for who waits. */
  readonly progress: (line: string) => void
}

/** A benchmark: all its ways take turns, round by round, in one run. */
export interface Benchmark {
  readonly name: string
  readonly title: string
  readonly run: (context: BenchContext) => Promise<ReadonlyArray<Row>>
}

/** A goal that a figure is to reach or exceed. */
export const atLeast = (limit: number): Goal => ({ text: `>= ${limit}`, isMet: (median) => median >= limit })

/** A goal that a figure is not to exceed. */
export const atMost = (limit: number): Goal => ({ text: `<= ${limit}`, isMet: (median) => median <= limit })
