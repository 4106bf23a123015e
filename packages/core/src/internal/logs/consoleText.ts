import type { LogEvent, LogMark } from "../../LogEvent.js"

const markText = (event: LogMark): string => {
  switch (event.mark) {
    case "started":
      return "started"
    case "stopped":
      return event.exitCode === undefined ? "stopped" : `stopped with exit code ${event.exitCode}`
    case "removed":
      return "removed"
    case "gap":
      return `lines missing from ${event.from} to ${event.to}: ${event.reason}`
    case "engine_error":
      return `engine error: ${event.message}`
  }
}

const eventText = (event: LogEvent): string => {
  switch (event._tag) {
    case "LogLine":
      return `${event.timestamp} ${event.containerId.slice(0, 12)} ${event.stream} ${event.text}`
    case "LogMark":
      return `${event.timestamp} ${event.containerId.slice(0, 12)} -- ${markText(event)}`
    case "OperationStarted":
      return `${event.timestamp} ${event.kind} started`
    case "OperationLine":
      return `${event.timestamp} ${event.kind} ${event.text}`
    case "OperationProgress": {
      const amount = event.total === undefined ? "" : ` ${event.current ?? 0}/${event.total}`
      return `${event.timestamp} ${event.kind} ${event.id} ${event.status}${amount}`
    }
    case "OperationCompleted":
      return `${event.timestamp} ${event.kind} completed`
    case "OperationFailed":
      return `${event.timestamp} ${event.kind} failed: ${event.error}`
    case "OperationInterrupted":
      return `${event.timestamp} ${event.kind} interrupted${event.detail === undefined ? "" : `: ${event.detail}`}`
  }
}

/** Formats events as lines for a terminal, after a line with the number of dropped events if there are any. */
export const consoleText = (events: ReadonlyArray<LogEvent>, dropped: number): string => {
  let text = dropped === 0 ? "" : `-- ${dropped} log events dropped because the output is too slow\n`
  for (const event of events) text += `${eventText(event)}\n`
  return text
}
