/**
 * The text form of a query, as people write it in a search field:
 *
 * - `connection refused` finds lines with this text, `"a = b"` too; `\"` and `\\` stand for a quote and a backslash in quotes.
 * - `/5\d\d/` finds an expression of RE2, `/error/i` in any case; `\/` stands for a slash.
 * - `-debug`, `-"a b"` and `-/x/` exclude, `+debug` is required besides the first text.
 * - `status>=500`, `user.id=7`, `path!="/a b"`, `took>1.5s`, `msg~/time ?out/i`, `has:user.id` test fields.
 * - `level:warn,error`, `level>=warn`, `-level:debug`, `stream:stderr`, `source:web*,db`, `case:yes`.
 * - `from:` and `to:` take `2026-01-31`, `2026-01-31T12:00`, an RFC 3339 timestamp, or `15m`, `2h`, `7d` for so long ago.
 */
import { logLevels, type LogLevel } from "@dockwire/core/LogLevel"
import type { Condition } from "../fields/fieldTest.js"
import type { QueryConditions, QueryProblem } from "../QueryConditions.js"
import type { QueryTerm } from "./QueryTerm.js"
import { readTime } from "./queryTime.js"
import { readTokens, type Token } from "./queryTokens.js"

const streams = ["stdout", "stderr"] as const

const refuse = (field: string, value: string, detail: string): never => {
  throw new QueryTextError({ field, value, detail })
}

/** Ends the reading of a text. Never leaves this file. */
class QueryTextError extends Error {
  constructor(readonly problem: QueryProblem) {
    super(problem.detail)
  }
}

type Draft = { -readonly [Key in keyof QueryConditions]: QueryConditions[Key] }

/** The values of a list, each one of those that are known. */
const oneOf = <A extends string>(
  name: string,
  values: ReadonlyArray<string>,
  known: ReadonlyArray<A>,
  isExcluded: boolean
): ReadonlyArray<A> => {
  const found = new Set<A>()
  for (const value of values) {
    const match = known.find((one) => one === value.toLowerCase())
    found.add(
      match ??
        refuse(name, value, `Use one of ${known.join(", ")}, or write "${name}:${value}" in quotes to find this text.`)
    )
  }
  return isExcluded ? known.filter((one) => !found.has(one)) : [...found]
}

const timeOf = (name: string, value: string, now: number): string =>
  readTime(value, now) ??
  refuse(
    name,
    value,
    `It is not a time. Write 2026-01-31, 2026-01-31T12:00:00Z, or 2h for two hours ago; write "${name}:${value}" in quotes to find this text.`
  )

const both = <A>(before: ReadonlyArray<A> | undefined, values: ReadonlyArray<A>): ReadonlyArray<A> =>
  before === undefined ? values : before.filter((value) => values.includes(value))

const addSetting = (draft: Draft, { name, sign, values }: Extract<Token, { kind: "setting" }>, now: number): void => {
  const [value = ""] = values
  if (sign !== "" && !(sign === "-" && (name === "level" || name === "stream"))) {
    refuse(
      name,
      `${sign}${name}:${value}`,
      `Leave out the "${sign}". Only texts, expressions, levels and streams can have it.`
    )
  }
  if (values.length > 1 && !["level", "stream", "source"].includes(name)) {
    refuse(name, values.join(","), "Give it one value only.")
  }
  switch (name) {
    case "level":
      draft.levels = both(draft.levels, oneOf(name, values, logLevels, sign === "-"))
      break
    case "stream":
      draft.streams = both(draft.streams, oneOf(name, values, streams, sign === "-"))
      break
    case "source":
      draft.sources = [...(draft.sources ?? []), ...values]
      break
    case "from":
      draft.from = timeOf(name, value, now)
      break
    case "to":
      draft.to = timeOf(name, value, now)
      break
    case "has":
      draft.fields = [...(draft.fields ?? []), { path: value, op: "exists" }]
      break
    case "case":
      if (value !== "yes" && value !== "no") refuse(name, value, 'Write "case:yes" or "case:no".')
      draft.caseSensitive = value === "yes"
      break
  }
}

const addTerm = (draft: Draft, sign: string, term: QueryTerm): void => {
  if (sign === "-") draft.exclude = [...(draft.exclude ?? []), term]
  else if (sign === "" && "text" in term && draft.text === undefined) draft.text = term.text
  else if (sign === "" && "regex" in term && draft.regex === undefined) draft.regex = term.regex
  else draft.include = [...(draft.include ?? []), term]
}

const levelNamed = (text: string): LogLevel | undefined => logLevels.find((level) => level === text.toLowerCase())

/** `level>=warn` means the levels from `warn` on, not a field, unless the value is in quotes. */
const levelsOf = ({ isQuoted, op, path, value }: Extract<Token, { kind: "field" }>): ReadonlyArray<LogLevel> => {
  const named = path === "level" && !isQuoted ? levelNamed(value) : undefined
  if (named === undefined) return []
  if (op === "=") return [named]
  if (op === "!=") return logLevels.filter((level) => level !== named)
  const known = logLevels.filter((level) => level !== "unknown")
  const index = logLevels.indexOf(named)
  if (named === "unknown") return []
  switch (op) {
    case ">=":
      return known.slice(index)
    case ">":
      return known.slice(index + 1)
    case "<=":
      return known.slice(0, index + 1)
    case "<":
      return known.slice(0, index)
    default:
      return []
  }
}

const addField = (draft: Draft, token: Extract<Token, { kind: "field" }>): void => {
  const { op, path, sign, value } = token
  if (sign !== "") {
    refuse(
      path,
      `${sign}${path}${op}${value}`,
      `Leave out the "${sign}" and use another operator, such as ${path}!=${value}; or put all of it in quotes to find this text.`
    )
  }
  const levels = levelsOf(token)
  if (levels.length > 0) draft.levels = both(draft.levels, levels)
  else draft.fields = [...(draft.fields ?? []), { path, op, value }]
}

/** Reads the text form. `now`, in milliseconds since the epoch, is what `from:2h` counts from. */
export const parseQueryText = (text: string, now: number): { readonly query: QueryConditions } | QueryProblem => {
  const draft: Draft = {}
  try {
    for (const token of readTokens(text)) {
      if (token.kind === "setting") addSetting(draft, token, now)
      else if (token.kind === "field") addField(draft, token)
      else addTerm(draft, token.sign, token.term)
    }
  } catch (error) {
    if (error instanceof QueryTextError) return error.problem
    throw error
  }
  return { query: draft }
}

const quote = (text: string): string => `"${text.replace(/["\\]/g, "\\$&")}"`

const printTerm = (term: QueryTerm): string => {
  if ("text" in term) return quote(term.text)
  const ignoreCase = term.regex.startsWith("(?i)") && term.regex.length > 4
  const source = ignoreCase ? term.regex.slice(4) : term.regex
  return `/${source.replace(/\\[^]|\//g, (part) => (part === "/" ? "\\/" : part))}/${ignoreCase ? "i" : ""}`
}

/** Words that mean nothing but themselves. */
const bareWords = /^[\p{L}\p{N}_.]+(?: [\p{L}\p{N}_.]+)*$/u
const bareValue = /^[\w.:*?@-]+$/

const printList = (values: ReadonlyArray<string>): string =>
  values.map((value) => (bareValue.test(value) ? value : quote(value))).join(",")

const printField = ({ op, path, value = "" }: Condition): string => {
  if (op === "exists") return `has:${path}`
  if (op === "~") return `${path}~${printTerm({ regex: value })}`
  const isBare = bareValue.test(value) && !(path === "level" && levelNamed(value) !== undefined)
  return `${path}${op}${isBare ? value : quote(value)}`
}

/** Writes a query as `parseQueryText` reads it. */
export const printQueryText = (query: QueryConditions): string => {
  const { caseSensitive, exclude = [], fields = [], from, include = [], levels, regex, sources, text, to } = query
  return [
    ...(text === undefined ? [] : [bareWords.test(text) ? text : quote(text)]),
    ...(regex === undefined ? [] : [printTerm({ regex })]),
    ...include.map((term) => `+${printTerm(term)}`),
    ...exclude.map((term) => `-${printTerm(term)}`),
    ...fields.map(printField),
    ...(levels === undefined ? [] : [`level:${levels.join(",")}`]),
    ...(query.streams === undefined ? [] : [`stream:${query.streams.join(",")}`]),
    ...(sources === undefined ? [] : [`source:${printList(sources)}`]),
    ...(from === undefined ? [] : [`from:${from}`]),
    ...(to === undefined ? [] : [`to:${to}`]),
    ...(caseSensitive === undefined ? [] : [`case:${caseSensitive ? "yes" : "no"}`])
  ].join(" ")
}
