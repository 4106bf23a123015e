import type { LogLine, LogMark } from "@dockwire/core"
import { levelOf } from "@dockwire/core/LogLevel"
import { sourceId, type StoredLine, type StoredMark } from "../../../packages/server/src/store/LogRecord.js"
import type { ContainerLog } from "./randomLog.js"

/** An element as the store should give it out. */
export interface ExpectedRecord {
  readonly source: string
  readonly containerId: string
  readonly number: number
  readonly place: number
  /** The latest time of the container's log up to it. */
  readonly key: string
  readonly element: LogLine | LogMark
}

const recordsOf = ({ containerId, elements, source }: ContainerLog): ReadonlyArray<ExpectedRecord> => {
  let key = ""
  const last = new Map<string, { readonly timestamp: string; readonly place: number }>()
  return elements.map((element, index) => {
    const { timestamp } = element
    if (timestamp > key) key = timestamp
    const stream = element._tag === "LogMark" ? "mark" : element.stream
    const before = last.get(stream)
    const place = before?.timestamp === timestamp ? before.place + 1 : 0
    last.set(stream, { timestamp, place })
    return { source: sourceId(source), containerId, number: index + 1, place, key, element }
  })
}

/** The elements of logs in the order of the store, which is that of their first batches among equal times. */
export const expectedOrder = (logs: ReadonlyArray<ContainerLog>): ReadonlyArray<ExpectedRecord> => {
  const all = logs.flatMap((log, generation) => recordsOf(log).map((record) => ({ record, generation })))
  return all
    .toSorted((a, b) => {
      if (a.record.key !== b.record.key) return a.record.key < b.record.key ? -1 : 1
      return a.generation - b.generation || a.record.number - b.record.number
    })
    .map(({ record }) => record)
}

const textOf = (
  source: string,
  containerId: string,
  number: number,
  place: number,
  rest: ReadonlyArray<unknown>
): string => JSON.stringify([source, containerId, number, place, ...rest])

const sortedEntries = (mark: object): ReadonlyArray<unknown> =>
  Object.entries(mark).toSorted(([a], [b]) => (a < b ? -1 : 1))

/** What is compared of a record, as one text: there are many. */
export const expectedText = ({ containerId, element, number, place, source }: ExpectedRecord): string =>
  textOf(
    source,
    containerId,
    number,
    place,
    element._tag === "LogMark"
      ? sortedEntries(element)
      : [element.stream, element.timestamp, levelOf(element.text), element.text, element.part]
  )

/** The same of what the store gave out. */
export const storedText = (item: StoredLine | StoredMark): string => {
  const { containerId, number, place, source } = item
  return textOf(
    source,
    containerId,
    number,
    place,
    item._tag === "StoredMark"
      ? sortedEntries(item.mark)
      : [item.stream, item.timestamp, item.level, item.text, item.part]
  )
}
