/** What happened between two lines of a log, as text. */
import type { LogMark } from "@dockwire/core/LogEvent"

/** What a mark says. */
export const describeMark = (mark: LogMark): string => {
  switch (mark.mark) {
    case "started":
    case "removed":
      return mark.mark
    case "stopped":
      return mark.exitCode === undefined ? "stopped" : `stopped, exit code ${mark.exitCode}`
    case "gap":
      return `gap: lines are missing between ${mark.from} and ${mark.to} (${mark.reason})`
    case "engine_error":
      return `the engine cannot read the log: ${mark.message}`
  }
}

/** A text without line breaks. */
export const oneLine = (text: string): string => text.replace(/[\r\n]+/g, " ")
