/** Elements of a container's log as columns. */
import { InvalidRequest } from "@dockwire/core/DockerError"
import type { LogLine, LogMark, LogPart } from "@dockwire/core/LogEvent"
import { partFlag, streamOf } from "../block/Records.js"
import { writeTime } from "../block/recordTime.js"
import type { LogBatch } from "../LogRecord.js"
import type { ColumnBatch } from "../thread/messages.js"

const textOf = (element: LogLine | LogMark): string =>
  element._tag === "LogLine" ? element.text : JSON.stringify(element)

const flagsOf = (element: LogLine | LogMark): number =>
  element._tag === "LogMark" ? streamOf.mark : streamOf[element.stream] | (element.part === undefined ? 0 : partFlag)

/** Makes columns of a batch, or says what is wrong with it. */
export const columnBatch = (batch: LogBatch): ColumnBatch | InvalidRequest => {
  const { after, containerId, containerName, elements, position, source } = batch
  const count = elements.length
  const seconds = new Float64Array(count)
  const nanos = new Int32Array(count)
  const flags = new Uint8Array(count)
  const parts = new Map<number, LogPart>()
  const inner: Array<number> = []
  let texts = ""
  let newlines = 0
  for (let index = 0; index < count; index++) {
    const element = elements[index]
    if (element === undefined) continue
    if (!writeTime(element.timestamp, seconds, nanos, index)) {
      const detail = "must be an RFC 3339 timestamp in UTC with nine digits after the second"
      return new InvalidRequest({ field: "timestamp", value: element.timestamp, detail })
    }
    flags[index] = flagsOf(element)
    if (element._tag === "LogLine" && element.part !== undefined) parts.set(index, element.part)
    const text = textOf(element)
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) inner.push(newlines++)
    texts += index === 0 ? text : `\n${text}`
    newlines++
  }
  return { source, containerId, containerName, after, position, count, seconds, nanos, flags, parts, inner, texts }
}

/** What a batch takes in memory, in bytes. */
export const sizeOf = ({ count, texts }: ColumnBatch): number => texts.length + 16 * count + 256
