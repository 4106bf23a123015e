/** Operations that are kept in a database, and in memory while there is none. */
import type { LogEvent, OperationEvent } from "@dockwire/core/LogEvent"
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { OperationLogLine } from "../../OperationSummary.js"
import { type HistoryItem, HistoryUnavailable, type OperationHistoryShape } from "../../rooms/OperationHistory.js"
import { operationRoom } from "../../Wire.js"
import { defaultMemoryOperationLimits, memoryOperationStore } from "../memory/memoryOperationStore.js"
import { OperationDatabase } from "../OperationDatabase.js"
import type { OperationStoreShape } from "../OperationStore.js"
import { HistoryWriter, type HistoryWriterOptions } from "./HistoryWriter.js"
import { readHistory } from "./readHistory.js"
import { getOperation, listOperations, readKeys } from "./readOperations.js"

const isOperationEvent = (event: LogEvent): event is OperationEvent =>
  event._tag !== "LogLine" && event._tag !== "LogMark"

const lineOf = (item: HistoryItem): ReadonlyArray<OperationLogLine> => {
  if (item._tag !== "Stored" || item.event._tag !== "OperationLine") return []
  const { seq, stream, text, timestamp } = item.event
  return [{ seq, timestamp, stream, text }]
}

const makeHistory = (writer: HistoryWriter, record: OperationHistoryShape["record"]): OperationHistoryShape => ({
  record,
  lastOrder: () => writer.lastOrder,
  flush: writer.flush,
  read: (room, after) =>
    Stream.suspend(() => {
      const { database, status } = writer
      if (database === undefined)
        return Stream.fail(new HistoryUnavailable({ reason: status.reason ?? "It is closed." }))
      return Stream.mapError(
        readHistory(database.sql, room, after),
        (error) => new HistoryUnavailable({ reason: `${database.explain(error)}.` })
      )
    })
})

/** Stores what is recorded. */
export const makeSqlOperationStore = (options: HistoryWriterOptions) =>
  Effect.gen(function* () {
    const { open } = yield* OperationDatabase
    const memory = memoryOperationStore({ ...defaultMemoryOperationLimits, ended: 50, lines: 2_000 })
    const waiting = new Set<string>()
    const writer = yield* HistoryWriter.make(options, open)
    const history = makeHistory(writer, (events) => {
      memory.sink.offer(events)
      return writer.record(events)
    })

    /** Asks the database, or `otherwise` while there is none. */
    const ask = <A>(
      query: (sql: SqlClient) => Effect.Effect<A, SqlError>,
      otherwise: Effect.Effect<A>
    ): Effect.Effect<A> =>
      Effect.zipRight(
        Effect.zipRight(writer.opened, writer.flush),
        Effect.suspend(() => {
          const { database, status } = writer
          if (database === undefined || !status.available) return otherwise
          return Effect.catchAll(query(database.sql), () => otherwise)
        })
      )

    const storedLines = (logId: string, after: number) =>
      history.read(operationRoom(logId), after).pipe(
        Stream.map((batch) => batch.flatMap(lineOf)),
        Stream.catchAll(() => memory.lines(logId, after))
      )

    const store: OperationStoreShape = {
      sink: { offer: (events) => void history.record(events.filter(isOperationEvent)), flush: writer.flush },
      originate: (origin) => {
        memory.originate(origin)
        writer.originate(origin)
      },
      setWaiting: (logId, isWaiting) => {
        memory.setWaiting(logId, isWaiting)
        if (isWaiting) waiting.add(logId)
        else waiting.delete(logId)
      },
      opened: writer.opened,
      isOpening: () => writer.isOpening,
      status: () => writer.status,
      statusChanges: writer.signals.status.changes,
      unfinished: Stream.fromQueue(writer.signals.unfinished),
      keysSince: (time) => ask((sql) => readKeys(sql, time), memory.keysSince(time)),
      list: (filter) =>
        Effect.map(
          ask((sql) => listOperations(sql, filter, waiting), memory.list(filter)),
          (page) => ({ ...page, history: writer.status })
        ),
      get: (logId) =>
        Effect.flatMap(
          ask((sql) => getOperation(sql, logId, waiting), memory.get(logId)),
          Option.match({ onNone: () => memory.get(logId), onSome: (found) => Effect.succeed(Option.some(found)) })
        ),
      lines: (logId, after) =>
        Stream.unwrap(Effect.as(Effect.zipRight(writer.opened, writer.flush), storedLines(logId, after)))
    }
    return { history, store }
  })
