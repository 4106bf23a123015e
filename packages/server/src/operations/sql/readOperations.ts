/** Reads operations: lists, and one by itself. */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type {
  OperationDetails,
  OperationFilter,
  OperationItem,
  OperationPage,
  OperationStatus,
  OperationSummary
} from "../../OperationSummary.js"
import { operationRoom } from "../../Wire.js"
import type { RememberedKey } from "../IdempotencyKeys.js"
import { pageLimit } from "../operationFilter.js"
import { decodeStored, eventBytes, type EventText } from "./eventBlock.js"
import { readHistory } from "./readHistory.js"
import { failureOf, type RunRow, summaryOf } from "./RunRow.js"

const lastLines = 20
const maxItems = 2_000

/** A pattern of LIKE for this text, wherever it stands. */
const containing = (text: string): string => `%${text.replaceAll(/[\\%_]/g, (character) => `\\${character}`)}%`

/** That an operation waits for its turn is of this moment, and not stored. */
const withTurn = (waiting: ReadonlySet<string>, summary: OperationSummary): OperationSummary =>
  summary.status === "running" && waiting.has(summary.log_id) ? { ...summary, status: "waiting" } : summary

const hasStatus = (sql: SqlClient, status: OperationStatus, waiting: ReadonlySet<string>) => {
  if (status !== "running" && status !== "waiting") return sql`status = ${status}`
  const isWaiting = waiting.size === 0 ? sql`1 = 0` : sql.in("log_id", [...waiting])
  return status === "waiting"
    ? sql`status = 'running' AND ${isWaiting}`
    : sql`status = 'running' AND NOT (${isWaiting})`
}

/** The newest first. */
export const listOperations = (
  sql: SqlClient,
  filter: OperationFilter,
  waiting: ReadonlySet<string>
): Effect.Effect<Omit<OperationPage, "history">, SqlError> => {
  const limit = pageLimit(filter)
  const conditions = [
    ...(filter.kind === undefined ? [] : [sql`kind = ${filter.kind}`]),
    ...(filter.status === undefined ? [] : [hasStatus(sql, filter.status, waiting)]),
    ...(filter.target === undefined
      ? []
      : [sql`targets LIKE ${containing(JSON.stringify(filter.target))} ESCAPE '\\'`]),
    ...(filter.text === undefined ? [] : [sql`search LIKE ${containing(filter.text.toLowerCase())} ESCAPE '\\'`]),
    ...(filter.cursor === undefined
      ? []
      : [sql`first_order < (SELECT o.first_order FROM operations o WHERE o.log_id = ${filter.cursor})`])
  ]
  return Effect.map(
    sql<RunRow>`SELECT * FROM operations WHERE ${sql.and(conditions)} ORDER BY first_order DESC LIMIT ${limit + 1}`,
    (rows) => {
      const operations = rows.slice(0, limit).map((row) => withTurn(waiting, summaryOf(row)))
      const last = operations.at(-1)
      return { operations, ...(last === undefined || rows.length <= limit ? {} : { next: last.log_id }) }
    }
  )
}

const itemsOf = (rows: ReadonlyArray<{ readonly event: EventText }>): ReadonlyArray<OperationItem> =>
  rows.flatMap((row) =>
    decodeStored(0, row.event).flatMap(({ event }) => {
      if (event._tag !== "OperationProgress") return []
      const { current, id, status, total } = event
      const amounts = { ...(current === undefined ? {} : { current }), ...(total === undefined ? {} : { total }) }
      return [{ id, status, ...amounts }]
    })
  )

/** One operation. */
export const getOperation = (
  sql: SqlClient,
  logId: string,
  waiting: ReadonlySet<string>
): Effect.Effect<Option.Option<OperationDetails>, SqlError> =>
  Effect.gen(function* () {
    const [row] = yield* sql<RunRow>`SELECT * FROM operations WHERE log_id = ${logId}`
    if (row === undefined) return Option.none()
    const progress = yield* sql<{
      readonly event: EventText
    }>`SELECT ${eventBytes(sql, "event")} AS event FROM operation_progress
      WHERE log_id = ${logId} ORDER BY seq LIMIT ${maxItems}`
    const [from] = yield* sql<{ readonly seq: number | null }>`SELECT MIN(first_seq) AS seq FROM
      (SELECT first_seq FROM operation_blocks WHERE log_id = ${logId} ORDER BY first_seq DESC LIMIT ${lastLines + 1}) last`
    const lines: Array<string> = []
    yield* Stream.runForEach(readHistory(sql, operationRoom(logId), Number(from?.seq ?? 0) - 1), (batch) =>
      Effect.sync(() => {
        for (const item of batch)
          if (item._tag === "Stored" && item.event._tag === "OperationLine") lines.push(item.event.text)
        lines.splice(0, lines.length - lastLines)
      })
    )
    return Option.some({
      ...withTurn(waiting, summaryOf(row)),
      ...failureOf(row),
      ...(row.fraction === null ? {} : { fraction: row.fraction }),
      progress: itemsOf(progress),
      last_lines: lines
    })
  })

interface KeyRow {
  readonly log_id: string
  readonly started_at: string
  readonly idempotency_key: string
  readonly idempotency_request: string
}

/** The keys of operations that began after this time, the oldest first. */
export const readKeys = (sql: SqlClient, since: number): Effect.Effect<ReadonlyArray<RememberedKey>, SqlError> =>
  Effect.map(
    sql<KeyRow>`SELECT log_id, started_at, idempotency_key, idempotency_request FROM operations
      WHERE idempotency_key IS NOT NULL AND started_at > ${new Date(since).toISOString()} ORDER BY first_order`,
    (rows) =>
      rows.map(({ idempotency_key, idempotency_request, log_id, started_at }) => ({
        key: idempotency_key,
        request: idempotency_request,
        logId: log_id,
        at: Date.parse(started_at)
      }))
  )
