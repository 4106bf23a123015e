/** Operations in words. */
import type { OperationSummary } from "../../../Api/json/ApiTypes.js"
import { plainText } from "../terminalText.js"

/** How long something took, or how long ago it was. */
export const durationText = (milliseconds: number): string => {
  const seconds = Math.max(0, milliseconds) / 1000
  if (seconds < 10) return `${seconds.toFixed(1)}s`
  if (seconds < 120) return `${Math.round(seconds)}s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 120) return `${minutes}m`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${hours}h` : `${Math.round(hours / 24)}d`
}

type Timed = Pick<OperationSummary, "ended_at" | "started_at">

/** How long an operation has taken, or has been running. */
export const tookText = ({ ended_at, started_at }: Timed, now = Date.now()): string =>
  durationText((ended_at === undefined ? now : Date.parse(ended_at)) - Date.parse(started_at))

/** What an operation works on. */
export const targetText = ({ targets }: Pick<OperationSummary, "targets">): string =>
  targets.length === 0 ? "-" : targets.join(", ")

/** What became of an operation: a sentence without its full stop. */
export const endText = (operation: OperationSummary): string => {
  const { error, operation_type, status, targets } = operation
  const what = targets.length === 0 ? operation_type : `${operation_type} of ${targetText(operation)}`
  const since = tookText(operation)
  switch (status) {
    case "waiting":
      return `${what} has been waiting for ${since}`
    case "running":
      return `${what} has been running for ${since}`
    default:
      return `${what} ${status} after ${since}${error === undefined ? "" : `: ${plainText(error)}`}`
  }
}

/** The rows of a table, with their columns below one another. */
export const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const columns = Math.max(...rows.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0))
  )
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("   ")
      .trimEnd()
  )
  return `${lines.join("\n")}\n`
}
