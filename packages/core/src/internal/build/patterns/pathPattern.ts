import { posix } from "node:path"

/** A pattern of an ignore file, or one of those that the engine filters a context by. */
export interface PathPattern {
  /** Cleaned, and without its `!`. */
  readonly text: string
  /** Whether it is an exception from the patterns before it. */
  readonly isException: boolean
  /** Whether it matches this very path. Whether it matches a folder above is for `PatternList`. */
  readonly matches: (path: string) => boolean
}

/** The white space of Unicode, as Go trims it. */
const space = "[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]"
const outerSpace = new RegExp(`^${space}+|${space}+$`, "g")

/** Like Go's `strings.TrimSpace`. */
export const trimSpace = (text: string): string => text.replaceAll(outerSpace, "")

/** Like Go's `path.Clean`. */
export const cleanPath = (path: string): string => posix.normalize(path).replace(/(?<=.)\/$/, "")

/** Go's rules for `filepath.Match`: a class has at least one character or range, and a backslash escapes something. */
const wellFormed = /^(?:\\.|\[\^?(?:(?:\\.|[^\\\]-])(?:-(?:\\.|[^\\\]-]))?)+\]|[^\\[])*$/su

const escaped = (character: string): string => (/[.+()|{}$]/.test(character) ? `\\${character}` : character)

/** Letters that JavaScript has no such escapes for. */
const goEscapes: Readonly<Record<string, string>> = { a: "\\x07", A: "^", z: "$" }

/** An escaped character as a regular expression. As in Go, some letters then stand for a class or a control character. */
const escapeSequence = (character: string): string | undefined =>
  /[dDwWsSbBnrtfv]/.test(character) || /[$()*+./?[\\\]^{|}-]/.test(character)
    ? `\\${character}`
    : /[A-Za-z0-9\u{80}-\u{10ffff}]/u.test(character)
      ? goEscapes[character]
      : character

const tryRegExp = (source: string, flags: string): RegExp | undefined => {
  try {
    return new RegExp(source, flags)
  } catch {
    return undefined
  }
}

/**
 * Compiles a pattern as the docker command does, whose rules depend on what a pattern consists of: with `**` only at its
 * end it is a prefix, with `**` only at its start a suffix (`**.log` matches `a.log`), and without any special character
 * it is compared as it is. Returns `undefined` if its syntax is invalid.
 */
const compile = (pattern: string): ((path: string) => boolean) | undefined => {
  let kind: "exact" | "prefix" | "suffix" | "expression" = "exact"
  let source = "^"
  const characters = Array.from(pattern)
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index] ?? ""
    if (character === "*" && characters[index + 1] === "*") {
      const isFirst = index === 0
      index += characters[index + 2] === "/" ? 2 : 1
      const isLast = index + 1 >= characters.length
      source += isLast ? ".*" : "(.*/)?"
      kind = isFirst ? "suffix" : isLast && kind === "exact" ? "prefix" : "expression"
    } else if (character === "\\") {
      const sequence = escapeSequence(characters[++index] ?? "")
      if (sequence === undefined) return undefined
      source += sequence
      kind = "expression"
    } else {
      source += character === "*" ? "[^/]*" : character === "?" ? "[^/]" : escaped(character)
      if (/[*?[\]]/.test(character)) kind = "expression"
    }
  }
  if (kind === "exact") return (path) => path === pattern
  if (kind === "prefix") {
    const prefix = pattern.slice(0, -2)
    return (path) => path.startsWith(prefix)
  }
  if (kind === "suffix") {
    const suffix = pattern.slice(2)
    return (path) => path.endsWith(suffix) || `/${path}` === suffix
  }
  const expression = tryRegExp(`${source}$`, "u") ?? tryRegExp(`${source}$`, "")
  return expression === undefined ? undefined : (path) => expression.test(path)
}

/** Parses a pattern. Returns a sentence that says what is wrong if it is not valid, and `undefined` if it is empty. */
export const parsePattern = (text: string): PathPattern | string | undefined => {
  const trimmed = trimSpace(text)
  if (trimmed === "") return undefined
  const cleaned = cleanPath(trimmed)
  const isException = cleaned.startsWith("!")
  if (cleaned === "!") return 'the exception "!" has no pattern. Write what it is an exception for, such as "!src"'
  const pattern = isException ? cleaned.slice(1) : cleaned
  const matches = wellFormed.test(pattern) ? compile(pattern) : undefined
  if (matches === undefined) {
    return `the pattern ${JSON.stringify(text)} is malformed: a "[" needs its "]", and a "\\" escapes the punctuation after it`
  }
  return { text: pattern, isException, matches }
}

const hasWildcard = /[*?[\]\\]/

/**
 * Whether the pattern may match something below a folder, so that the folder must be read. A pattern that matches the
 * folder or one above it counts as not: that is known of the folder itself.
 */
export const mayMatchBelow = ({ text }: PathPattern, folder: string): boolean => {
  const folders = folder.split("/")
  const segments = text.split("/")
  for (const [index, segment] of segments.entries()) {
    // A class may match a slash, too.
    if (segment.includes("**") || segment.includes("[")) return true
    const name = folders[index]
    if (name === undefined) return true
    if (!hasWildcard.test(segment) && segment !== name) return false
  }
  return false
}
