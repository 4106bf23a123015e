/** What is found in a database when it is opened: the numbers to go on with, and runs that have not ended. */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { UnfinishedRun } from "../OperationStore.js"
import type { Gap } from "./RecordBuffer.js"
import { headOf, type RunRow, targetsOf } from "./RunRow.js"

/** More events than a run can have given out without one of them being stored. */
const unseen = 1_000_000

const setting = "order_limit"

/** The number that no event has exceeded. */
export const readOrderLimit = (sql: SqlClient): Effect.Effect<number, SqlError> =>
  Effect.map(sql<{ readonly value: string }>`SELECT value FROM settings WHERE name = ${setting}`, ([row]) =>
    Number(row?.value ?? 0)
  )

/**
 * Events are numbered before they are stored, and viewers see the numbers. So that none is used twice after a crash, the
 * next million is reserved beforehand.
 */
export const reserveOrders = (sql: SqlClient, lastOrder: number): Effect.Effect<number, SqlError> => {
  const limit = lastOrder + unseen
  return Effect.as(storeOrderLimit(sql, limit), limit)
}

/** Stores the number that no event has exceeded. */
export const storeOrderLimit = (sql: SqlClient, limit: number): Effect.Effect<void, SqlError> =>
  Effect.asVoid(
    sql`INSERT INTO settings ${sql.insert({ name: setting, value: String(limit) })}
      ON CONFLICT (name) DO UPDATE SET value = excluded.value`
  )

/** The runs that have not ended, besides those that this server runs. */
export const readUnfinished = (
  sql: SqlClient,
  isOwn: (logId: string) => boolean
): Effect.Effect<ReadonlyArray<UnfinishedRun>, SqlError> =>
  Effect.map(sql<RunRow>`SELECT * FROM operations WHERE ended_at IS NULL ORDER BY first_order`, (rows) =>
    rows
      .filter((row) => !isOwn(row.log_id))
      .map((row) => ({ ...headOf(row), targets: targetsOf(row), nextSeq: Number(row.last_seq) + unseen }))
  )

/** What may be missing of a run that was going on when its server ended. */
export const unfinishedGap = ({ logId, nextSeq }: UnfinishedRun, order: number): Gap => ({
  logId,
  fromSeq: nextSeq - unseen + 1,
  toSeq: nextSeq - 1,
  fromOrder: order,
  toOrder: order,
  isExact: false,
  reason: "The server ended without warning. Lines of its last moment may be missing."
})
