/** Deletes operations that are too old or too many, in small steps. */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"

/** How much is kept of operations that have ended. */
export interface RetentionLimits {
  /** Milliseconds since their end. */
  readonly age: number
  readonly operations: number
  /** Bytes of their lines. */
  readonly bytes: number
}

const day = 24 * 60 * 60 * 1000

export const defaultRetentionLimits: RetentionLimits = { age: 30 * day, operations: 10_000, bytes: 1024 ** 3 }

const stepRuns = 20
const stepBlocks = 50

const deleteBlocks = (sql: SqlClient, logId: string): Effect.Effect<boolean, SqlError> =>
  Effect.gen(function* () {
    const rows = yield* sql<{ readonly seq: number }>`SELECT first_seq AS seq FROM operation_blocks
      WHERE log_id = ${logId} ORDER BY first_seq LIMIT ${stepBlocks}`
    const last = rows.at(-1)
    if (last === undefined) return false
    yield* sql`DELETE FROM operation_blocks WHERE log_id = ${logId} AND first_seq <= ${last.seq}`
    return true
  })

const deleteRun = (sql: SqlClient, logId: string) =>
  Effect.gen(function* () {
    yield* Effect.repeat(deleteBlocks(sql, logId), { while: (more) => more })
    yield* sql`DELETE FROM operation_progress WHERE log_id = ${logId}`
    yield* sql`DELETE FROM operation_gaps WHERE log_id = ${logId}`
    // Last, so that what is left after an interruption is found again.
    yield* sql`DELETE FROM operations WHERE log_id = ${logId}`
  })

interface EndedRow {
  readonly log_id: string
  readonly ended_at: string
  readonly byte_count: number
}

/** Deletes what exceeds the limits, the oldest first. Returns how many operations it deleted. */
export const applyRetention = (sql: SqlClient, limits: RetentionLimits, now: number): Effect.Effect<number, SqlError> =>
  Effect.gen(function* () {
    const [total] = yield* sql<{ readonly runs: number; readonly bytes: number | null }>`SELECT COUNT(*) AS runs,
      SUM(byte_count) AS bytes FROM operations`
    let runs = Number(total?.runs ?? 0)
    let bytes = Number(total?.bytes ?? 0)
    const oldest = new Date(now - limits.age).toISOString()
    const exceeds = ({ ended_at }: EndedRow): boolean =>
      runs > limits.operations || bytes > limits.bytes || ended_at < oldest
    let deleted = 0
    const step = Effect.gen(function* () {
      const rows = yield* sql<EndedRow>`SELECT log_id, ended_at, byte_count FROM operations
        WHERE ended_at IS NOT NULL ORDER BY first_order LIMIT ${stepRuns}`
      for (const row of rows) {
        if (!exceeds(row)) return false
        yield* deleteRun(sql, row.log_id)
        runs--
        bytes -= Number(row.byte_count)
        deleted++
      }
      return rows.length === stepRuns
    })
    yield* Effect.repeat(step, { while: (more) => more })
    return deleted
  })
