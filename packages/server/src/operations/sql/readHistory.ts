/** Reads the events of rooms. */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type * as Statement from "@effect/sql/Statement"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { HistoryItem } from "../../rooms/OperationHistory.js"
import { allOperationsRoom, operationRoom } from "../../Wire.js"
import { decodeBlock, decodeStored, eventBytes, type EventText } from "./eventBlock.js"
import { headOf, type RunRow } from "./RunRow.js"

const batchSize = 1_000
const pageBlocks = 64

type BlockRow = Pick<RunRow, "log_id" | "kind" | "target"> & {
  readonly first_seq: number
  readonly last_seq: number
  readonly flush: number
  readonly events: EventText
}

interface ProgressRow {
  readonly place: number
  readonly event: EventText
}

interface GapRow {
  readonly from_place: number
  readonly to_place: number
  readonly is_exact: number
  readonly reason: string
}

type Batch = ReadonlyArray<HistoryItem>

const inBatches = (items: ReadonlyArray<HistoryItem>): ReadonlyArray<Batch> => {
  const batches: Array<Batch> = []
  for (let from = 0; from < items.length; from += batchSize) batches.push(items.slice(from, from + batchSize))
  return batches
}

type PlaceKind = "seq" | "order"

/** The block is not whole. In a room of several runs, its place is all that is known of it. */
const damaged = (row: BlockRow, kind: PlaceKind, after: number): HistoryItem => ({
  _tag: "Lost",
  from: Math.max(Number(kind === "seq" ? row.first_seq : row.flush), after + 1),
  to: kind === "seq" ? Number(row.last_seq) : undefined,
  reason: "The database is damaged here."
})

/** What the blocks hold after a place. */
const decodeBlocks = (blocks: ReadonlyArray<BlockRow>, kind: PlaceKind, after: number): Batch =>
  blocks.flatMap((row): Batch => {
    const events = decodeBlock(headOf(row), row.events)
    if (events === undefined) return [damaged(row, kind, after)]
    return events.filter(({ event, order }) => (kind === "seq" ? event.seq : order) > after)
  })
const decodeProgress = (rows: ReadonlyArray<ProgressRow>) =>
  rows.flatMap(({ event, place }) => decodeStored(Number(place), event))

/** A gap that began before the place is the rest of it. */
const gapItems = (rows: ReadonlyArray<GapRow>, after: number): Batch =>
  rows.map(({ from_place, is_exact, reason, to_place }) => ({
    _tag: "Lost",
    from: Math.max(Number(from_place), after + 1),
    to: Number(is_exact) === 1 ? Number(to_place) : undefined,
    reason
  }))

const sorted = (items: Array<HistoryItem>, kind: PlaceKind): Array<HistoryItem> => {
  const place = (item: HistoryItem): number =>
    item._tag === "Lost" ? item.from : kind === "seq" ? item.event.seq : item.order
  return items.sort((a, b) => place(a) - place(b))
}

interface Page {
  readonly items: ReadonlyArray<HistoryItem>
  /** Where the next page begins; none after the last one. */
  readonly next: Option.Option<number>
}

const pages = (first: number, page: (from: number) => Effect.Effect<Page, SqlError>) =>
  Stream.paginateChunkEffect(first, (from) =>
    Effect.map(page(from), ({ items, next }) => [Chunk.fromIterable(inBatches(items)), next] as const)
  )

/** The last place that a page may hold: what comes later belongs to a later one. */
const endOf = (limit: number | undefined): number => limit ?? Number.MAX_SAFE_INTEGER

const readRun = (sql: SqlClient, logId: string, after: number) =>
  pages(after, (from) =>
    Effect.gen(function* () {
      const blocks = yield* sql<BlockRow>`SELECT b.log_id, o.kind, o.target, b.first_seq, b.last_seq, b.flush,
        ${eventBytes(sql, "b.events")} AS events
        FROM operation_blocks b JOIN operations o ON o.log_id = b.log_id
        WHERE b.log_id = ${logId} AND b.last_seq > ${from} ORDER BY b.first_seq LIMIT ${pageBlocks}`
      const isLast = blocks.length < pageBlocks
      const last = isLast ? undefined : blocks.at(-1)?.last_seq
      const end = endOf(last === undefined ? undefined : Number(last))
      const progress =
        yield* sql<ProgressRow>`SELECT place, ${eventBytes(sql, "event")} AS event FROM operation_progress
        WHERE log_id = ${logId} AND seq > ${from} AND seq <= ${end} ORDER BY seq`
      const gaps = yield* sql<GapRow>`SELECT from_seq AS from_place, to_seq AS to_place, is_exact, reason
        FROM operation_gaps WHERE log_id = ${logId} AND from_seq <= ${end} AND
          ${from === after ? sql`to_seq > ${from}` : sql`from_seq > ${from}`}`
      const events = decodeBlocks(blocks, "seq", from)
      const items = sorted([...events, ...decodeProgress(progress), ...gapItems(gaps, after)], "seq")
      return { items, next: isLast ? Option.none() : Option.some(end) }
    })
  )

/** Which runs belong to a room of several runs. */
const roomFilter = (sql: SqlClient, room: string) =>
  room === allOperationsRoom ? sql.literal("1 = 1") : sql`o.config_room = ${room} OR o.image_room = ${room}`

const readMany = (sql: SqlClient, room: string, after: number) => {
  const select = (where: Statement.Fragment, limit: number) =>
    sql<BlockRow>`SELECT b.log_id, o.kind, o.target, b.first_seq, b.last_seq, b.flush,
        ${eventBytes(sql, "b.events")} AS events
      FROM operation_blocks b JOIN operations o ON o.log_id = b.log_id
      WHERE ${where} AND (${roomFilter(sql, room)}) ORDER BY b.flush LIMIT ${limit}`
  const blocksFrom = (flush: number) =>
    Effect.gen(function* () {
      const blocks = yield* select(sql`b.flush >= ${flush}`, pageBlocks)
      if (blocks.length < pageBlocks) return { blocks, next: undefined }
      const last = Number(blocks.at(-1)?.flush)
      const whole = blocks.filter((block) => Number(block.flush) < last)
      // The events of one write are in order only as a whole.
      return whole.length > 0
        ? { blocks: whole, next: last }
        : { blocks: yield* select(sql`b.flush = ${last}`, 100_000), next: last + 1 }
    })
  return Stream.unwrap(
    Effect.map(
      sql<{ readonly flush: number | null }>`SELECT MAX(flush) AS flush FROM operation_blocks WHERE flush <= ${after}`,
      ([row]) =>
        pages(Number(row?.flush ?? 0), (flush) =>
          Effect.gen(function* () {
            const { blocks, next } = yield* blocksFrom(flush)
            const from = Math.max(after, flush - 1)
            const end = endOf(next === undefined ? undefined : next - 1)
            const progress =
              yield* sql<ProgressRow>`SELECT p.place, ${eventBytes(sql, "p.event")} AS event FROM operation_progress p
              JOIN operations o ON o.log_id = p.log_id
              WHERE p.place > ${from} AND p.place <= ${end} AND (${roomFilter(sql, room)}) ORDER BY p.place`
            const gaps = yield* sql<GapRow>`SELECT g.from_order AS from_place, g.to_order AS to_place, g.is_exact,
                g.reason
              FROM operation_gaps g JOIN operations o ON o.log_id = g.log_id
              WHERE ${from === after ? sql`g.to_order > ${from}` : sql`g.from_order > ${from}`}
                AND g.from_order <= ${end} AND (${roomFilter(sql, room)})`
            const events = decodeBlocks(blocks, "order", after)
            const items = sorted([...events, ...decodeProgress(progress), ...gapItems(gaps, after)], "order")
            return { items, next: next === undefined ? Option.none() : Option.some(next) }
          })
        )
    )
  )
}

const runPrefix = operationRoom("")

/** Reads what is stored of a room after a place: see `OperationHistory`. */
export const readHistory = (sql: SqlClient, room: string, after: number): Stream.Stream<Batch, SqlError> => {
  if (!room.startsWith(runPrefix)) return readMany(sql, room, after)
  const logId = room.slice(runPrefix.length)
  return Stream.unwrap(
    Effect.map(sql<{ readonly log_id: string }>`SELECT log_id FROM operations WHERE log_id = ${logId}`, (found) => {
      if (found.length > 0) return readRun(sql, logId, after)
      if (after === 0) return Stream.empty
      const lost: HistoryItem = {
        _tag: "Lost",
        from: after + 1,
        to: undefined,
        reason: "The operation is no longer kept."
      }
      return Stream.succeed([lost])
    })
  )
}
