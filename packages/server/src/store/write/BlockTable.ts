/** Writes and deletes the blocks and tails of the database. */
import { blockBytes, encodeBlock, encodeTail, type Summary, summarize } from "../block/Block.js"
import { joinRecords, type Records, sliceRecords, textEnds } from "../block/Records.js"
import { decodeTail } from "../block/Block.js"
import { bytesOf, type Connection, numberOf, type SqlValue, textBytes } from "../database/driver.js"
import type { Generation, NumberedRecords } from "./Generation.js"

/** So many rows of a tail become one: a source that says little would have thousands. */
const maxTailRows = 64

const head = `source, generation, first, count, bytes, min_s, max_s, first_s, first_n, key_s, key_n, levels, streams`

const headOf = ({ id, sourceId }: Generation, first: number, summary: Summary): ReadonlyArray<SqlValue> => [
  sourceId,
  id,
  first,
  summary.count,
  summary.bytes,
  summary.minSeconds,
  summary.maxSeconds,
  summary.firstSeconds,
  summary.firstNanos,
  summary.keySeconds,
  summary.keyNanos,
  textBytes(JSON.stringify(summary.levels)),
  summary.streams
]

/** Joins what follows each other without a hole. */
export const joinRuns = (pieces: ReadonlyArray<NumberedRecords>): ReadonlyArray<NumberedRecords> => {
  const runs: Array<Array<NumberedRecords>> = []
  let next = -1
  for (const piece of pieces) {
    if (piece.first === next) runs.at(-1)?.push(piece)
    else runs.push([piece])
    next = piece.first + piece.records.count
  }
  return runs.map((run) => ({ first: run[0]?.first ?? 0, records: joinRecords(run.map(({ records }) => records)) }))
}

const bytesIn = (pieces: ReadonlyArray<NumberedRecords>): number =>
  pieces.reduce((sum, { records }) => sum + records.text.length + 1, 0)

export class BlockTable {
  private readonly insertHead
  private readonly insertGrams
  private readonly insertColumns
  private readonly insertText
  private readonly insertTail
  private readonly selectTail
  private readonly deleteTail

  constructor(connection: Connection) {
    const places = (count: number) => Array.from({ length: count }, () => "?").join(", ")
    this.insertHead = connection.prepare(`INSERT INTO blocks (${head}) VALUES (${places(13)}) RETURNING id`)
    this.insertGrams = connection.prepare("INSERT INTO block_grams (id, data) VALUES (?, ?)")
    this.insertColumns = connection.prepare("INSERT INTO block_columns (id, data) VALUES (?, ?)")
    this.insertText = connection.prepare("INSERT INTO block_texts (id, data) VALUES (?, ?)")
    this.insertTail = connection.prepare(`INSERT INTO tails (${head}, since, data) VALUES (${places(15)})`)
    this.selectTail = connection.prepare("SELECT first, data FROM tails WHERE generation = ? ORDER BY first")
    this.deleteTail = connection.prepare("DELETE FROM tails WHERE generation = ?")
  }

  /** Stores what is pending. Returns by how many bytes of text there is more. */
  store(generation: Generation, now: number): number {
    const { pending, tail } = generation
    const bytes = bytesIn(pending)
    if (tail.bytes + bytes >= blockBytes) this.seal(generation, pending, now, false)
    else {
      for (const run of joinRuns(pending)) this.addTail(generation, run, now)
      if (tail.rows > maxTailRows) this.rewriteTail(generation)
    }
    return bytes
  }

  /** Makes blocks of the tail; of its rest too if that is asked for. */
  seal(generation: Generation, pending: ReadonlyArray<NumberedRecords>, now: number, whole: boolean): void {
    const runs = joinRuns([...this.readTail(generation), ...pending])
    if (generation.tail.rows > 0) this.deleteTail.run([generation.id])
    generation.tail = { rows: 0, bytes: 0, since: 0 }
    for (const [index, run] of runs.entries()) {
      const rest = this.writeBlocks(generation, run, whole || index < runs.length - 1)
      if (rest !== undefined) this.addTail(generation, rest, now)
    }
  }

  private readTail({ id, tail }: Generation): ReadonlyArray<NumberedRecords> {
    if (tail.rows === 0) return []
    return this.selectTail
      .rows([id])
      .map(([first, data]) => ({ first: numberOf(first), records: decodeTail(bytesOf(data)) }))
  }

  private rewriteTail(generation: Generation): void {
    const { since } = generation.tail
    const runs = joinRuns(this.readTail(generation))
    this.deleteTail.run([generation.id])
    generation.tail = { rows: 0, bytes: 0, since: 0 }
    for (const run of runs) this.addTail(generation, run, since)
  }

  private addTail(generation: Generation, { first, records }: NumberedRecords, since: number): void {
    const { tail } = generation
    if (tail.rows === 0) tail.since = since
    const summary = summarize(records)
    this.insertTail.run([...headOf(generation, first, summary), tail.since, encodeTail(records)])
    tail.rows++
    tail.bytes += summary.bytes
  }

  /** Returns what is too little for a block. */
  private writeBlocks(generation: Generation, run: NumberedRecords, whole: boolean): NumberedRecords | undefined {
    const { first, records } = run
    const ends = textEnds(records)
    let from = 0
    while (from < records.count) {
      const start = from === 0 ? 0 : (ends[from - 1] ?? 0) + 1
      let to = from + 1
      while (to < records.count && (ends[to - 1] ?? 0) - start < blockBytes) to++
      const slice = sliceRecords(records, from, to, ends)
      if (slice.text.length < blockBytes && !whole) return { first: first + from, records: slice }
      this.writeBlock(generation, first + from, slice)
      from = to
    }
    return undefined
  }

  private writeBlock(generation: Generation, first: number, records: Records): void {
    const { columns, grams, text } = encodeBlock(records)
    const [id] = this.insertHead.rows(headOf(generation, first, summarize(records)))[0] ?? []
    const row = numberOf(id)
    this.insertGrams.run([row, grams])
    this.insertColumns.run([row, columns])
    this.insertText.run([row, text])
  }
}
