import { mayMatchBelow, parsePattern, type PathPattern } from "./pathPattern.js"

/**
 * Patterns of which the last one that matches a path, or a folder above it, decides: `!` patterns are exceptions. Paths are
 * tested from the top down, with what the patterns said about the folder above.
 */
export class PatternList {
  readonly #patterns: ReadonlyArray<PathPattern>
  readonly #exceptions: ReadonlyArray<PathPattern>
  readonly #positives: ReadonlyArray<PathPattern>

  private constructor(patterns: ReadonlyArray<PathPattern>) {
    this.#patterns = patterns
    this.#exceptions = patterns.filter(({ isException }) => isException)
    this.#positives = patterns.filter(({ isException }) => !isException)
  }

  /** Parses patterns. Returns a sentence that says what is wrong if one is not valid. */
  static parse(texts: ReadonlyArray<string>): PatternList | string {
    const patterns: Array<PathPattern> = []
    for (const text of texts) {
      const pattern = parsePattern(text)
      if (typeof pattern === "string") return pattern
      if (pattern !== undefined) patterns.push(pattern)
    }
    return new PatternList(patterns)
  }

  /** Room for the results of a path. */
  results(): Uint8Array {
    return new Uint8Array(this.#patterns.length)
  }

  /**
   * Whether the list matches a path. `above` is what each pattern said about the folder above, and `results` receives the
   * same for this path.
   */
  matches(path: string, above: Uint8Array | undefined, results: Uint8Array): boolean {
    let matched = false
    for (let index = 0; index < this.#patterns.length; index++) {
      const pattern = this.#patterns[index]
      if (pattern === undefined) continue
      const { isException } = pattern
      // A pattern that would change nothing is not tested, and then also not remembered for what is below: so the docker
      // command has it, and the outcome of some lists depends on it.
      const found = above?.[index] === 1 || (isException === matched && pattern.matches(path))
      results[index] = found ? 1 : 0
      if (found) matched = !isException
    }
    return matched
  }

  /** Whether something below a folder that the list does not match may match. */
  mayMatchBelow(folder: string): boolean {
    return this.#positives.some((pattern) => mayMatchBelow(pattern, folder))
  }

  /** Whether something below a folder that the list matches may be an exception. */
  mayExceptBelow(folder: string): boolean {
    return this.#exceptions.some((pattern) => mayMatchBelow(pattern, folder))
  }
}
