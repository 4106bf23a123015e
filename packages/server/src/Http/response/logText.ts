/** A log as text. */
import type { LogMark, LogPart } from "@dockwire/core/LogEvent"
import { describeMark, oneLine } from "./logMarkText.js"

/** A line, or a part of one. */
interface TextLine {
  readonly timestamp: string
  readonly text: string
  readonly part?: LogPart
}

/** Formats what a log consists of, in order. What is no line of the log begins with `-- `. */
export interface LogText {
  readonly line: (line: TextLine) => string
  readonly mark: (mark: LogMark) => string
  /** Anything else that is to be said. */
  readonly note: (text: string, timestamp?: string) => string
}

/** Begins each line with its time if that is asked for. The parts of a long line are put together again. */
export const makeLogText = (timestamps: boolean): LogText => {
  let isInLine = false
  const lineBreak = () => {
    const text = isInLine ? "\n" : ""
    isInLine = false
    return text
  }
  const timeOf = (timestamp: string | undefined) => (timestamps && timestamp !== undefined ? `${timestamp} ` : "")
  const note: LogText["note"] = (text, timestamp) => `${lineBreak()}-- ${timeOf(timestamp)}${oneLine(text)}\n`
  return {
    line: ({ part, text, timestamp }) => {
      const isFirst = part === undefined || part.index === 1
      const start = isFirst ? lineBreak() + timeOf(timestamp) : ""
      isInLine = part?.last === false
      return isInLine ? start + text : `${start}${text}\n`
    },
    mark: (mark) => note(describeMark(mark), mark.timestamp),
    note
  }
}
