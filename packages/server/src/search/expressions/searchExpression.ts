/**
 * Regular expressions in RE2's syntax, in linear time: by `re2js`, or by V8 where that is linear too and many times as fast.
 */
import { RE2JS, RE2JSException, RE2JSSyntaxException } from "re2js"
import { linearRegExp } from "./linearRegExp.js"
import { literalsOf, programOf } from "./re2Program.js"
import type { LogHit, TextTest } from "./TextTest.js"
import { escapeLiteral, hitsOf } from "./literalText.js"

/** Longer ones take more than a moment to compile. */
export const maxExpressionLength = 1000

/** `(?i)` at the start, alone or with other flags. */
const leadingFlags = /^\(\?([imsU]*i[imsU]*)\)/

/**
 * The longest run of ASCII without letters that others match in any case: the long s and the Kelvin sign match `s` and `k`.
 */
const foldedRun = (literal: string): string => {
  const runs = literal.match(/[\0-JL-RT-jl-rt-\x7f]+/g) ?? []
  return runs.reduce((longest, run) => (run.length > longest.length ? run : longest), "").toLowerCase()
}

/** Quickly tells lines that can't match. */
const prefilter = (literals: ReadonlyArray<string>, isExact: boolean): ((line: string) => boolean) | undefined => {
  const [first] = literals
  if (first === undefined) return undefined
  if (isExact && literals.length === 1) return (line) => line.includes(first)
  const pattern = new RegExp(literals.map(escapeLiteral).join("|"), isExact ? "" : "i")
  return (line) => pattern.test(line)
}

/**
 * Finding all matches may take a search of all that follows for each, so that only so many are found, in so many characters from
 * the start of the line.
 */
const [maxHits, maxHighlighted] = [100, 16_384]

const re2Hits = (expression: RE2JS, line: string): ReadonlyArray<LogHit> => {
  const hits: Array<LogHit> = []
  const matcher = expression.matcher(line.length > maxHighlighted ? line.slice(0, maxHighlighted) : line)
  while (hits.length < maxHits && matcher.find()) {
    if (matcher.end() > matcher.start()) hits.push({ start: matcher.start(), end: matcher.end() })
  }
  return hits
}

/** What `re2js` says of an expression, as a sentence. Throws what is no fault of the expression. */
export const expressionProblem = (error: unknown): string => {
  if (error instanceof RE2JSSyntaxException) {
    const part = error.getPattern()
    return `${error.getDescription()}${part === null || part === "" ? "" : ` in ${part}`}. It must be an expression of RE2, which has no look-around and no back-references.`
  }
  if (error instanceof RE2JSException) return `${error.message}. Simplify it.`
  throw error
}

/** Compiles an expression, or says in a sentence what is wrong with it. */
export const compileExpression = (source: string): TextTest | string => {
  if (source.length > maxExpressionLength) return `It is longer than ${maxExpressionLength} characters. Shorten it.`
  const flags = leadingFlags.exec(source)
  const ignoreCase = flags !== null
  const rest = flags === null ? source : source.slice(flags[0].length)
  const otherFlags = flags?.[1]?.replaceAll("i", "") ?? ""
  try {
    const expression = RE2JS.compile(source)
    const own = ignoreCase ? RE2JS.compile(otherFlags === "" ? rest : `(?${otherFlags})${rest}`) : expression
    const literals = literalsOf(own, ignoreCase ? foldedRun : (literal) => literal)
    const program = programOf(expression)
    const native =
      program === undefined || otherFlags !== ""
        ? undefined
        : linearRegExp(rest, ignoreCase, program.program, program.start)
    if (native !== undefined) {
      const { flags: nativeFlags, source: nativeSource } = native
      const once = new RegExp(nativeSource, nativeFlags.replace("g", ""))
      return { test: (line) => once.test(line), hits: (line) => hitsOf(native, line), literals, isExact: !ignoreCase }
    }
    const mayMatch = prefilter(literals, !ignoreCase)
    return {
      test:
        mayMatch === undefined ? (line) => expression.test(line) : (line) => mayMatch(line) && expression.test(line),
      hits: (line) => re2Hits(expression, line),
      literals,
      isExact: !ignoreCase
    }
  } catch (error) {
    return expressionProblem(error)
  }
}
