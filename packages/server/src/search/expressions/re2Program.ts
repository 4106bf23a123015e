/** What `re2js` knows of an expression besides running it. It is not part of its interface, so that all of it may be missing. */
import type { RE2JS } from "re2js"
import type { Instruction } from "./linearRegExp.js"

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

const numberAt = (value: Readonly<Record<string, unknown>>, key: string): number | undefined => {
  const found = value[key]
  return typeof found === "number" ? found : undefined
}

/** Kinds of instructions. */
const [alternative, alternativeMatch, fail, match, lookBehind] = [1, 2, 5, 6, 12]

/** The instructions of an expression. Those that end it are `undefined`. */
export const programOf = (
  expression: RE2JS
): { readonly program: ReadonlyArray<Instruction | undefined>; readonly start: number } | undefined => {
  const re2: unknown = expression.re2()
  const program = isObject(re2) ? re2["prog"] : undefined
  if (!isObject(program)) return undefined
  const start = numberAt(program, "start")
  const instructions = program["inst"]
  if (start === undefined || !Array.isArray(instructions)) return undefined
  const found: Array<Instruction | undefined> = []
  for (const instruction of instructions) {
    if (!isObject(instruction)) return undefined
    const [op, out, arg] = [numberAt(instruction, "op"), numberAt(instruction, "out"), numberAt(instruction, "arg")]
    if (op === undefined || out === undefined || op >= lookBehind) return undefined
    const isChoice = op === alternative || op === alternativeMatch
    if (isChoice && arg === undefined) return undefined
    found.push(op === fail || op === match ? undefined : { out, other: isChoice ? arg : undefined })
  }
  return found[start] === undefined && found.length > 2 ? undefined : { program: found, start }
}

/** Kinds of conditions on texts. */
const [exact, every, some] = [1, 2, 3]

/** More texts than these make a search for them slower than the expression. */
const maxLiterals = 32

/** The shortest length of texts, 0 if there are none: how much they tell. */
export const literalStrength = (literals: ReadonlyArray<string>): number =>
  literals.length === 0 ? 0 : Math.min(...literals.map(({ length }) => length))

const literalsIn = (condition: unknown, change: (literal: string) => string): ReadonlyArray<string> => {
  if (!isObject(condition)) return []
  const { str, subs, type } = condition
  if (type === exact) {
    const literal = typeof str === "string" ? change(str) : ""
    return literal === "" ? [] : [literal]
  }
  if (!Array.isArray(subs)) return []
  const parts = subs.map((sub: unknown) => literalsIn(sub, change))
  if (type === every) {
    return parts.reduce((best, part) => (literalStrength(part) > literalStrength(best) ? part : best), [])
  }
  if (type !== some || parts.some(({ length }) => length === 0)) return []
  const all = [...new Set(parts.flat())]
  return all.length > maxLiterals ? [] : all
}

/** Texts of which each match of the expression contains one, changed by a function; empty if none are known. */
export const literalsOf = (expression: RE2JS, change: (literal: string) => string): ReadonlyArray<string> => {
  const re2: unknown = expression.re2()
  return isObject(re2) ? literalsIn(re2["prefilter"], change) : []
}
