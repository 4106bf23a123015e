/** A part of a line: from an index in its text to another, which is exclusive. */
export interface LogHit {
  readonly start: number
  readonly end: number
}

/** A condition on the text of a line. */
export interface TextTest {
  readonly test: (line: string) => boolean
  /** What of a line to highlight, in order. An expression's may be only the first ones. */
  readonly hits: (line: string) => ReadonlyArray<LogHit>
  /**
   * A line that passes contains at least one of these, in the same case if `isExact`, else after its ASCII letters have been
   * made lower case. Empty if nothing is known.
   */
  readonly literals: ReadonlyArray<string>
  readonly isExact: boolean
}
