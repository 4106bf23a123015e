/** Writes events of runs. */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import { type OperationEvent, isOperationEnded } from "@dockwire/core/LogEvent"
import type { OperationOrigin } from "../OperationStore.js"
import { encodeBlock, type NumberedEvent } from "./eventBlock.js"
import type { Gap } from "./RecordBuffer.js"
import { addEvents, firstRow, type RunRow } from "./RunRow.js"

/** The runs whose rows are known, and what was told about runs that have no row yet. */
export interface KnownRuns {
  readonly rows: Map<string, RunRow>
  readonly origins: Map<string, OperationOrigin>
  /** The runs of this server whose end is not stored. */
  readonly own: Set<string>
}

const middleReason = "The history of operations was not available when this one began."

const byRun = (events: ReadonlyArray<NumberedEvent>): ReadonlyMap<string, ReadonlyArray<NumberedEvent>> => {
  const runs = new Map<string, Array<NumberedEvent>>()
  for (const numbered of events) {
    const { logId } = numbered.event
    const run = runs.get(logId)
    if (run === undefined) runs.set(logId, [numbered])
    else run.push(numbered)
  }
  return runs
}

const upsertRuns = (sql: SqlClient, rows: ReadonlyArray<RunRow>) =>
  sql`INSERT INTO operations ${sql.insert(rows.map((row) => ({ ...row })))}
    ON CONFLICT (log_id) DO UPDATE SET ended_at = excluded.ended_at, status = excluded.status, error = excluded.error,
      failure = excluded.failure, fraction = excluded.fraction, line_count = excluded.line_count,
      byte_count = excluded.byte_count, last_seq = excluded.last_seq, search = excluded.search`

/** A write whose answer was lost is repeated. */
const upsertBlocks = (sql: SqlClient, blocks: ReadonlyArray<Record<string, string | number>>) =>
  sql`INSERT INTO operation_blocks ${sql.insert([...blocks])} ON CONFLICT (log_id, first_seq) DO UPDATE SET
    last_seq = excluded.last_seq, flush = excluded.flush, events = excluded.events`

const upsertGaps = (sql: SqlClient, gaps: ReadonlyArray<Gap>) =>
  sql`INSERT INTO operation_gaps ${sql.insert(
    gaps.map(({ fromOrder, fromSeq, isExact, logId, reason, toOrder, toSeq }) => ({
      log_id: logId,
      from_seq: fromSeq,
      to_seq: toSeq,
      from_order: fromOrder,
      to_order: toOrder,
      is_exact: isExact ? 1 : 0,
      reason
    }))
  )} ON CONFLICT (log_id, from_seq) DO UPDATE SET to_seq = excluded.to_seq, to_order = excluded.to_order`

const upsertProgress = (sql: SqlClient, progress: ReadonlyArray<NumberedEvent & { readonly item: string }>) =>
  sql`INSERT INTO operation_progress ${sql.insert(
    progress.map(({ event, item, order }) => ({
      log_id: event.logId,
      item,
      seq: event.seq,
      place: order,
      event: JSON.stringify(event)
    }))
  )} ON CONFLICT (log_id, item) DO UPDATE SET seq = excluded.seq, place = excluded.place, event = excluded.event`

/** Only the last state of each item. */
const lastStates = (events: ReadonlyArray<NumberedEvent>) => {
  const states = new Map<string, NumberedEvent & { readonly item: string }>()
  for (const { event, order } of events) {
    if (event._tag !== "OperationProgress") continue
    states.set(`${event.logId}\n${event.id}`, { event, order, item: event.id })
  }
  return [...states.values()]
}

const rowOf = (sql: SqlClient, known: KnownRuns, first: NumberedEvent): Effect.Effect<RunRow, SqlError> => {
  const { logId } = first.event
  const row = known.rows.get(logId)
  if (row !== undefined) return Effect.succeed(row)
  return Effect.map(
    sql<RunRow>`SELECT * FROM operations WHERE log_id = ${logId}`,
    ([stored]) => stored ?? firstRow(first.event, first.order, known.origins.get(logId))
  )
}

const missingBefore = (row: RunRow, first: NumberedEvent): ReadonlyArray<Gap> => {
  const { logId, seq } = first.event
  if (row.last_seq >= 0 || seq <= 1) return []
  const place = { fromSeq: 1, toSeq: seq - 1, fromOrder: first.order, toOrder: first.order }
  return [{ logId, ...place, isExact: true, reason: middleReason }]
}

/**
 * Writes events and gaps, as a whole or not at all. The effect that it returns remembers the rows: run it when the
 * transaction has been committed.
 */
export const writeEvents = (
  sql: SqlClient,
  known: KnownRuns,
  events: ReadonlyArray<NumberedEvent>,
  gaps: ReadonlyArray<Gap>
): Effect.Effect<() => void, SqlError> =>
  Effect.gen(function* () {
    const rows: Array<RunRow> = []
    const blocks: Array<Record<string, string | number>> = []
    const allGaps: Array<Gap> = [...gaps]
    const flush = events[0]?.order ?? 0
    for (const [logId, run] of byRun(events)) {
      const [first] = run
      if (first === undefined) continue
      const before = yield* rowOf(sql, known, first)
      allGaps.push(...missingBefore(before, first))
      const kept = run.filter(({ event }) => event._tag !== "OperationProgress")
      const text = kept.length === 0 ? "" : encodeBlock(kept)
      const [firstKept] = kept
      if (firstKept !== undefined) {
        const lastSeq = kept.at(-1)?.event.seq ?? firstKept.event.seq
        blocks.push({ log_id: logId, first_seq: firstKept.event.seq, last_seq: lastSeq, flush, events: text })
      }
      rows.push(
        addEvents(
          before,
          run.map(({ event }) => event),
          text.length
        )
      )
    }
    const progress = lastStates(events)
    yield* Effect.gen(function* () {
      if (rows.length > 0) yield* upsertRuns(sql, rows)
      if (blocks.length > 0) yield* upsertBlocks(sql, blocks)
      if (progress.length > 0) yield* upsertProgress(sql, progress)
      if (allGaps.length > 0) yield* upsertGaps(sql, allGaps)
    }).pipe(sql.withTransaction)
    return () => {
      for (const row of rows) known.rows.set(row.log_id, row)
      for (const { event } of events) forgetEnded(known, event)
    }
  })

const forgetEnded = (known: KnownRuns, event: OperationEvent): void => {
  known.origins.delete(event.logId)
  if (!isOperationEnded(event)) return
  known.rows.delete(event.logId)
  known.own.delete(event.logId)
}
