import type { LogEvent, LogMark } from "../../LogEvent.js"

const mark = (event: LogMark): string => {
  switch (event.mark) {
    case "started":
      return "started"
    case "stopped":
      return event.exitCode === undefined ? "stopped" : `stopped with exit code ${event.exitCode}`
    case "removed":
      return "removed"
    case "gap":
      return `gap from ${event.from} to ${event.to}: ${event.reason}`
    case "engine_error":
      return `the engine could not read the log: ${event.message}`
  }
}

const one = (event: LogEvent): string => {
  switch (event._tag) {
    case "LogLine":
      return `${event.timestamp} ${event.containerId.slice(0, 12)} ${event.stream} ${event.text}`
    case "LogMark":
      return `${event.timestamp} ${event.containerId.slice(0, 12)} -- ${mark(event)}`
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
      return `${event.timestamp} ${event.kind} interrupted`
  }
}

/** The events as lines for a terminal, each ending in a newline; first, where there is one, the count of those dropped. */
export const consoleText = (events: ReadonlyArray<LogEvent>, dropped: number): string => {
  let text = dropped === 0 ? "" : `-- ${dropped} log events dropped: the output is too slow\n`
  for (const event of events) text += `${one(event)}\n`
  return text
}
