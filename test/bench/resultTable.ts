import type { Row } from "./Benchmark.js"
import { median } from "./statistics.js"

const significant = (value: number): string => {
  if (!Number.isFinite(value)) return "-"
  const size = Math.abs(value)
  const rounded = size >= 1000 ? value.toFixed(0) : size >= 100 ? value.toFixed(1) : value.toFixed(size >= 10 ? 2 : 3)
  const [whole = "", fraction] = rounded.split(".")
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, " ")
  return fraction === undefined ? grouped : `${grouped}.${fraction}`
}

const cells = (row: Row, judged: boolean): ReadonlyArray<string> => {
  const { goal, note = "", values } = row
  if (values.length === 0) return [row.name, "", "", "", "", note]
  const middle = median(values)
  const word = !judged ? "" : goal?.isMet(middle) === true ? ": met" : ": MISSED"
  const verdict = goal === undefined ? "" : goal.text + word
  const range = `${significant(Math.min(...values))} .. ${significant(Math.max(...values))}`
  return [row.name, significant(middle), range, row.unit, verdict, note]
}

const headings = ["", "median", "min .. max", "", "goal", ""]

/** Renders the rows as text in columns. `judged`: whether the run measured enough to compare the values with the goals. */
export const resultTable = (rows: ReadonlyArray<Row>, judged: boolean): string => {
  const lines = [headings, ...rows.map((row) => cells(row, judged))]
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)))
  const isNumber = (column: number) => column === 1 || column === 2
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          isNumber(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(column === 5 ? 0 : (widths[column] ?? 0))
        )
        .join("  ")
        .trimEnd()
    )
    .map((line) => `  ${line}`)
    .join("\n")
}

/** A row of the JSON file. */
export const resultRecord = (benchmark: string, row: Row, judged: boolean): Readonly<Record<string, unknown>> => {
  const middle = median(row.values)
  return {
    benchmark,
    name: row.name,
    unit: row.unit,
    ...(row.values.length === 0
      ? {}
      : { median: middle, min: Math.min(...row.values), max: Math.max(...row.values), values: row.values }),
    ...(row.goal === undefined ? {} : { goal: row.goal.text, ...(judged ? { met: row.goal.isMet(middle) } : {}) }),
    ...(row.note === undefined ? {} : { note: row.note })
  }
}
