/** Patterns of sources. */

const escape = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")

const patternOf = (pattern: string): RegExp =>
  new RegExp(`^(?:${escape(pattern).replaceAll("\\*", ".*").replaceAll("\\?", ".")})$`, "s")

/**
 * Whether one of the patterns matches a source: as a whole, without its engine, or its last part. `*` stands for any
 * characters, `?` for one.
 */
export const matchesSource = (patterns: ReadonlyArray<string> | undefined, source: string): boolean => {
  if (patterns === undefined) return true
  const withoutEngine = source.slice(source.indexOf("/") + 1)
  const name = source.slice(source.lastIndexOf("/") + 1)
  return patterns.map(patternOf).some((pattern) => [source, withoutEngine, name].some((text) => pattern.test(text)))
}
