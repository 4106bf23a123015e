/** The words of what stands between the lines of a log. */
import type { SocketEvents } from "../../client/SocketEvents.js"

export const countLines = (count: number): string => `${count.toLocaleString("en")} ${count === 1 ? "line" : "lines"}`

type MarkName = SocketEvents["container_log_mark"]["mark"]

/** A mark in words. */
export const markWords = (mark: MarkName, exitCode: number | undefined, message: string | undefined): string => {
  switch (mark) {
    case "started":
      return "Started"
    case "stopped":
      return exitCode === undefined ? "Stopped" : `Stopped with exit code ${exitCode}`
    case "removed":
      return "Removed"
    case "recreated":
      return "Recreated: the name now belongs to a new container"
    case "engine_error":
      return `Docker could not read the log any further: ${message ?? ""}`
  }
}

export const markText = (data: SocketEvents["container_log_mark"]): string =>
  markWords(
    data.mark,
    data.mark === "stopped" ? data.exit_code : undefined,
    data.mark === "engine_error" ? data.message : undefined
  )

export const gapText = (data: SocketEvents["gap"]): string => {
  const lines = data.lines === undefined ? "lines missing" : `${countLines(data.lines)} missing`
  return `Gap: ${lines}. ${data.reason}`
}
