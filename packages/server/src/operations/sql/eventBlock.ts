/** The events of one run in one write, as one text. */
import { OperationEvent, type OperationLine, type OperationTarget } from "@dockwire/core/LogEvent"
import type { SqlClient } from "@effect/sql/SqlClient"
import type * as Statement from "@effect/sql/Statement"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { StoredEvent } from "../../rooms/OperationHistory.js"

/** An event with its number in the history. */
export interface NumberedEvent {
  readonly order: number
  readonly event: OperationEvent
}

/** What the events of a run share. */
export interface RunHead {
  readonly logId: string
  readonly kind: string
  readonly target: OperationTarget
}

const decodeEvent = Schema.decodeUnknownOption(OperationEvent)

/** A line is an array without what all lines of the run share. Any other event is whole. */
const encodeOne = ({ event, order }: NumberedEvent): unknown =>
  event._tag === "OperationLine"
    ? [order, event.seq, event.timestamp, event.stream, event.text, ...(event.item === undefined ? [] : [event.item])]
    : [order, event]

/** Encodes events of one run. */
export const encodeBlock = (events: ReadonlyArray<NumberedEvent>): string => JSON.stringify(events.map(encodeOne))

const isStream = (value: unknown): value is OperationLine["stream"] =>
  value === "stdout" || value === "stderr" || value === "system"

const decodeOne = ({ kind, logId, target }: RunHead, encoded: ReadonlyArray<unknown>): OperationEvent | undefined => {
  const [, second, timestamp, stream, text, item] = encoded
  if (typeof second !== "number") return Option.getOrUndefined(decodeEvent(second))
  if (typeof timestamp !== "string" || typeof text !== "string" || !isStream(stream)) return undefined
  const line: OperationLine = { _tag: "OperationLine", logId, kind, target, seq: second, timestamp, stream, text }
  return typeof item === "string" ? { ...line, item } : line
}

/** A stored text, as the database returns `eventBytes`. */
export type EventText = string | ArrayBuffer

/** Selects a column of events as bytes, where text that is damaged would end the process. */
export const eventBytes = (sql: SqlClient, column: string): Statement.Fragment =>
  sql.onDialectOrElse({
    orElse: () => sql.literal(column),
    sqlite: () => sql.literal(`CAST(${column} AS BLOB)`)
  })

const decoder = new TextDecoder()

const parse = Option.liftThrowable((text: EventText): unknown =>
  JSON.parse(typeof text === "string" ? text : decoder.decode(text))
)

/** Decodes the events of a block. `undefined` if its text is damaged. An event that cannot be read is left out. */
export const decodeBlock = (head: RunHead, text: EventText): ReadonlyArray<StoredEvent> | undefined => {
  const rows = Option.getOrUndefined(parse(text))
  if (!Array.isArray(rows)) return undefined
  const events: Array<StoredEvent> = []
  for (const row of rows) {
    const encoded: ReadonlyArray<unknown> = Array.isArray(row) ? row : []
    const [order] = encoded
    const event = decodeOne(head, encoded)
    if (typeof order === "number" && event !== undefined) events.push({ _tag: "Stored", order, event })
  }
  return events
}

/** Decodes an event that is stored by itself: none if its text is damaged. */
export const decodeStored = (order: number, text: EventText): ReadonlyArray<StoredEvent> =>
  Option.match(Option.flatMap(parse(text), decodeEvent), {
    onNone: () => [],
    onSome: (event) => [{ _tag: "Stored", order, event }]
  })
