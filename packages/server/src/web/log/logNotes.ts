/** The words of what stands between the lines of a log. */
import type { SocketEvents } from "../../client/SocketEvents.js"

export const countLines = (count: number): string => `${count.toLocaleString("en")} ${count === 1 ? "line" : "lines"}`

export const markText = (data: SocketEvents["container_log_mark"]): string => {
  switch (data.mark) {
    case "started":
      return "Started"
    case "stopped":
      return data.exit_code === undefined ? "Stopped" : `Stopped with exit code ${data.exit_code}`
    case "removed":
      return "Removed"
    case "recreated":
      return "Recreated: the name now belongs to a new container"
    case "engine_error":
      return `Docker could not read the log any further: ${data.message}`
  }
}

export const gapText = (data: SocketEvents["gap"]): string => {
  const lines = data.lines === undefined ? "lines missing" : `${countLines(data.lines)} missing`
  return `Gap: ${lines}. ${data.reason}`
}
