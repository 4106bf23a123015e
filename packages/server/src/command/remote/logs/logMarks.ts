/** What is told between the lines of a log. */
import type { GapMessage } from "../../../Wire.js"

/** What happened to a container. */
export const markText = (
  name: string,
  mark: string,
  exitCode: number | undefined,
  message: string | undefined
): string => {
  switch (mark) {
    case "stopped":
      return exitCode === undefined ? `${name} stopped` : `${name} stopped with exit code ${exitCode}`
    case "engine_error":
      return `The engine can't read the log of ${name}: ${message ?? ""}`
    case "recreated":
      return `${name} was created again`
    default:
      return `${name} ${mark}`
  }
}

const amount = ({ from, lines, to }: Pick<GapMessage["data"], "from" | "lines" | "to">): string => {
  const count = lines ?? (typeof from === "number" && typeof to === "number" ? to - from + 1 : undefined)
  if (count === undefined) return "lines"
  return count === 1 ? "1 line" : `${count} lines`
}

/** What is missing, and why. */
export const gapText = (name: string, gap: Pick<GapMessage["data"], "from" | "lines" | "reason" | "to">): string => {
  const { from, to } = gap
  const between =
    typeof from === "string" && typeof to === "string"
      ? ` between ${from} and ${to}`
      : typeof from === "string"
        ? ` after ${from}`
        : typeof to === "string"
          ? ` before ${to}`
          : ""
  return `${amount(gap)} of ${name} lost${between}: ${gap.reason}`
}
