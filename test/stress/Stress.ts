/** What a stress test is run with. */
export interface StressContext {
  readonly endpoint: string
  readonly rounds: number
  /** What chance depends on. */
  readonly seed: number
  readonly print: (line: string) => void
}

/** A test that takes too long for the suite, and whose outcome depends on chance. */
export interface Stress {
  readonly name: string
  readonly title: string
  /** Prints what it did. Resolves with whether all was right. */
  readonly run: (context: StressContext) => Promise<boolean>
}
