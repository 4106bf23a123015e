/** A query as plain data, checked without Effect. */
import type { LogStream } from "@dockwire/core/LogEvent"
import type { LogLevel } from "@dockwire/core/LogLevel"
import type { Condition } from "./fields/fieldTest.js"
import { maxLiteralLength } from "./expressions/literalText.js"
import { parseTime } from "./text/queryTime.js"
import type { QueryTerm } from "./text/QueryTerm.js"
import { compileExpression } from "./expressions/searchExpression.js"

/** What a `LogQuery` holds. */
export interface QueryConditions {
  readonly text?: string
  readonly caseSensitive?: boolean
  readonly regex?: string
  readonly include?: ReadonlyArray<QueryTerm>
  readonly exclude?: ReadonlyArray<QueryTerm>
  readonly streams?: ReadonlyArray<LogStream>
  readonly levels?: ReadonlyArray<LogLevel>
  readonly from?: string
  readonly to?: string
  readonly sources?: ReadonlyArray<string>
  readonly fields?: ReadonlyArray<Condition>
}

/** What is wrong with a query. */
export interface QueryProblem {
  /** The part of it: `regex`, `fields.0.value`. */
  readonly field: string
  readonly value: string
  /** Why it is wrong, and what to do. */
  readonly detail: string
}

/** Names of letters, digits, `_`, `@`, `$`, `-` and `/`. */
const fieldPath = /^[\p{L}\p{N}_@$](?:[\p{L}\p{N}_@$./-]*[\p{L}\p{N}_@$])?$/u

/** Deeper fields are none that people write. */
const maxPathParts = 16

const timeProblem = (field: string, value: string | undefined): QueryProblem | undefined =>
  value === undefined || parseTime(value) !== undefined
    ? undefined
    : { field, value, detail: "It is not a time. Write it as 2026-01-31T12:00:00Z." }

const rangeProblem = ({ from, to }: QueryConditions): QueryProblem | undefined => {
  const [first, end] = [parseTime(from ?? ""), parseTime(to ?? "")]
  return from === undefined || first === undefined || end === undefined || first < end
    ? undefined
    : { field: "from", value: from, detail: `It is not before "to", ${to}. Exchange them, or move one of them.` }
}

const textProblem = (field: string, value: string | undefined): QueryProblem | undefined => {
  if (value === undefined || (value.length <= maxLiteralLength && value !== "" && !value.includes("\n")))
    return undefined
  const detail =
    value === ""
      ? "It is empty. Leave it out to find every line."
      : value.includes("\n")
        ? "It has a line feed, and a line has none. Search for a part of it."
        : `It is longer than ${maxLiteralLength} characters. Search for a part of it.`
  return { field, value, detail }
}

const regexProblem = (field: string, value: string | undefined): QueryProblem | undefined => {
  if (value === undefined) return undefined
  const compiled = value === "" ? "It is empty. Leave it out to find every line." : compileExpression(value)
  return typeof compiled === "string" ? { field, value, detail: compiled } : undefined
}

const termProblems = (
  name: string,
  terms: ReadonlyArray<QueryTerm> | undefined
): ReadonlyArray<QueryProblem | undefined> =>
  (terms ?? []).map((term, index) =>
    "text" in term
      ? textProblem(`${name}.${index}.text`, term.text)
      : regexProblem(`${name}.${index}.regex`, term.regex)
  )

const fieldProblem = ({ op, path, value }: Condition, index: number): QueryProblem | undefined => {
  const field = `fields.${index}`
  const parts = path.split(".")
  if (!fieldPath.test(path) || parts.includes("") || parts.length > maxPathParts) {
    const detail = `It is not a field. Write up to ${maxPathParts} names with dots between them, such as user.id.`
    return { field: `${field}.path`, value: path, detail }
  }
  if (op === "exists") {
    return value === undefined
      ? undefined
      : { field: `${field}.value`, value, detail: 'The operator "exists" takes no value. Leave it out.' }
  }
  if (value === undefined) {
    return { field: `${field}.value`, value: "", detail: `The operator "${op}" needs a value to compare ${path} with.` }
  }
  return op === "~" ? regexProblem(`${field}.value`, value) : undefined
}

/** Says what is wrong with a query; `undefined` if nothing is. */
export const queryProblem = (query: QueryConditions): QueryProblem | undefined => {
  for (const name of ["streams", "levels", "sources", "include", "exclude", "fields"] as const) {
    if (query[name]?.length === 0) return { field: name, value: "[]", detail: "Name at least one, or leave it out." }
  }
  return [
    textProblem("text", query.text),
    regexProblem("regex", query.regex),
    ...termProblems("include", query.include),
    ...termProblems("exclude", query.exclude),
    timeProblem("from", query.from),
    timeProblem("to", query.to),
    rangeProblem(query),
    ...(query.fields ?? []).map(fieldProblem)
  ].find((problem) => problem !== undefined)
}
