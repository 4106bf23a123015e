/** Finds and reads the blocks and tails of the database. Other threads write them meanwhile. */
import { decodeBlockColumns, decodeBlockText, decodeTail, type Summary } from "../block/Block.js"
import { type RecordColumns, type Records, sliceRecords, textEnds } from "../block/Records.js"
import type { LogPlace } from "../LogCursor.js"
import { bytesOf, type Connection, numberOf, type SqlValue, type Statement, textOf } from "../database/driver.js"

/** A block, or records that are not in one yet. */
export interface Unit extends Summary {
  readonly isTail: boolean
  readonly id: number
  readonly source: number
  readonly generation: number
  readonly first: number
}

/** A container whose log is kept. */
export interface GenerationRow {
  readonly id: number
  readonly source: number
  readonly container: string
  readonly name: string
  readonly number: number
  readonly keySeconds: number
  readonly keyNanos: number
}

/** A source that is kept. */
export interface SourceRow {
  readonly id: number
  readonly name: string
  readonly key: string
}

const head = `id, source, generation, first, count, bytes, min_s, max_s, first_s, first_n, key_s, key_n, levels, streams`

const parseLevels = (text: string): ReadonlyArray<number> => {
  const levels: unknown = JSON.parse(text)
  return Array.isArray(levels) ? levels.map(Number) : []
}

const unitOf = (row: ReadonlyArray<SqlValue>): Unit => {
  const at = (index: number): number => numberOf(row[index])
  return {
    id: at(0),
    source: at(1),
    generation: at(2),
    first: at(3),
    count: at(4),
    bytes: at(5),
    minSeconds: at(6),
    maxSeconds: at(7),
    firstSeconds: at(8),
    firstNanos: at(9),
    keySeconds: at(10),
    keyNanos: at(11),
    levels: parseLevels(textOf(row[12])),
    streams: at(13),
    isTail: at(14) === 1
  }
}

const union = (where: string, rest: string): string =>
  ["blocks", "tails"]
    .map((table) => `SELECT * FROM (SELECT ${head}, ${table === "tails" ? 1 : 0} FROM ${table} WHERE ${where} ${rest})`)
    .join(" UNION ALL ")

/** Units of a container whose times are within bounds, in one direction: from one with a number, or a key. */
type Walking = "up" | "upFrom" | "upByKey" | "down" | "downFrom" | "downByKey"

const inTime = "generation = ? AND max_s >= ? AND min_s <= ?"

/** As many units are kept decoded: the lines around one that was found are in it, or in the next. */
const cached = 4

export class Units {
  private readonly statements: Readonly<
    Record<"grams" | "columns" | "text" | "tail" | "covering" | "next" | "previous" | "all" | Walking, Statement>
  >
  private readonly recent = new Map<string, Records>()

  constructor(private readonly connection: Connection) {
    const of = (table: string) => connection.prepare(`SELECT data FROM ${table} WHERE id = ?`)
    this.statements = {
      grams: of("block_grams"),
      columns: of("block_columns"),
      text: of("block_texts"),
      tail: connection.prepare("SELECT data FROM tails WHERE generation = ? AND first = ? AND count = ?"),
      covering: connection.prepare(union("generation = ? AND first <= ?", "ORDER BY first DESC LIMIT 1")),
      next: connection.prepare(union("generation = ? AND first > ?", "ORDER BY first LIMIT 1")),
      previous: connection.prepare(union("generation = ? AND first < ?", "ORDER BY first DESC LIMIT 1")),
      all: connection.prepare(union("TRUE", "")),
      up: connection.prepare(union(`${inTime} AND first > ?`, "ORDER BY first LIMIT 1")),
      upFrom: connection.prepare(union(`${inTime} AND first + count > ?`, "ORDER BY first LIMIT 1")),
      upByKey: connection.prepare(union(`${inTime} AND (key_s, key_n) >= (?, ?)`, "ORDER BY first LIMIT 1")),
      down: connection.prepare(union(`${inTime} AND first < ?`, "ORDER BY first DESC LIMIT 1")),
      downFrom: connection.prepare(union(`${inTime} AND first <= ?`, "ORDER BY first DESC LIMIT 1")),
      downByKey: connection.prepare(union(`${inTime} AND (first_s, first_n) <= (?, ?)`, "ORDER BY first DESC LIMIT 1"))
    }
  }

  /** The next unit of a container in a direction: after the one with this number, or with it inside if that is asked for. */
  along(
    generation: number,
    forward: boolean,
    number: number,
    inside: boolean,
    seconds: readonly [from: number, to: number]
  ): Unit | undefined {
    const statement = forward ? (inside ? "upFrom" : "up") : inside ? "downFrom" : "down"
    return this.nearest(statement, forward, [generation, ...seconds, number])
  }

  /** The next unit of a container in a direction that may have records with this key, or behind it. */
  byKey(
    generation: number,
    forward: boolean,
    { keyNanos, keySeconds }: { readonly keySeconds: number; readonly keyNanos: number },
    seconds: readonly [from: number, to: number]
  ): Unit | undefined {
    return this.nearest(forward ? "upByKey" : "downByKey", forward, [generation, ...seconds, keySeconds, keyNanos])
  }

  private nearest(statement: Walking, forward: boolean, parameters: ReadonlyArray<number>): Unit | undefined {
    const units = this.statements[statement].rows([...parameters, ...parameters]).map(unitOf)
    return units.toSorted((a, b) => (forward ? a.first - b.first : b.first - a.first))[0]
  }

  sources(): ReadonlyArray<SourceRow> {
    const rows = this.connection.prepare("SELECT id, name, key FROM sources").rows()
    return rows.map(([id, name, key]) => ({ id: numberOf(id), name: textOf(name), key: textOf(key) }))
  }

  generations(): ReadonlyArray<GenerationRow> {
    return this.connection
      .prepare("SELECT id, source, container, name, number, key_s, key_n FROM generations ORDER BY id")
      .rows()
      .map(([id, source, container, name, number, keySeconds, keyNanos]) => ({
        id: numberOf(id),
        source: numberOf(source),
        container: textOf(container),
        name: textOf(name),
        number: numberOf(number),
        keySeconds: numberOf(keySeconds),
        keyNanos: numberOf(keyNanos)
      }))
  }

  /** The places of the first records of a source's containers, by container. */
  firstPlaces(source: number): ReadonlyMap<number, LogPlace> {
    // The other columns are those of the row with the least number.
    const sql = `SELECT generation, first_s, first_n, MIN(first) FROM (SELECT generation, first_s, first_n, first
      FROM blocks WHERE source = ? UNION ALL SELECT generation, first_s, first_n, first FROM tails WHERE source = ?)
      GROUP BY generation`
    const rows = this.connection.prepare(sql).rows([source, source])
    return new Map(
      rows.map((row) => {
        const [generation = 0, keySeconds = 0, keyNanos = 0, number = 0] = row.map(numberOf)
        return [generation, { keySeconds, keyNanos, generation, number }]
      })
    )
  }

  /** All units, in no order. */
  all(): ReadonlyArray<Unit> {
    return this.statements.all.rows().map(unitOf)
  }

  /** The unit with this record. If it has gone: the next one. */
  covering(generation: number, number: number): Unit | undefined {
    const unit = this.edge("covering", generation, number)
    if (unit !== undefined && number < unit.first + unit.count) return unit
    return this.next(generation, number)
  }

  /** The unit whose first record comes next after this number. */
  next(generation: number, number: number): Unit | undefined {
    return this.edge("next", generation, number)
  }

  /** The unit whose first record is the last one before this number. */
  previous(generation: number, number: number): Unit | undefined {
    return this.edge("previous", generation, number)
  }

  private edge(statement: "covering" | "next" | "previous", generation: number, number: number): Unit | undefined {
    const units = this.statements[statement].rows([generation, number, generation, number]).map(unitOf)
    return units.toSorted((a, b) => (statement === "next" ? a.first - b.first : b.first - a.first))[0]
  }

  grams({ id, isTail }: Unit): Buffer | undefined {
    return isTail ? undefined : bytesOf(this.statements.grams.row([id])?.[0])
  }

  /** The text of a block. `undefined` if it has gone, or is no block. */
  text({ id, isTail }: Unit): Buffer | undefined {
    if (isTail) return undefined
    const row = this.statements.text.row([id])
    return row === undefined ? undefined : decodeBlockText(bytesOf(row[0]))
  }

  /** The columns of a block. `undefined` if it has gone, or is no block. */
  columns({ id, isTail }: Unit): RecordColumns | undefined {
    if (isTail) return undefined
    const row = this.statements.columns.row([id])
    return row === undefined ? undefined : decodeBlockColumns(bytesOf(row[0]))
  }

  /** The records of a unit. `undefined` if they are no longer kept. Throws if they are damaged. */
  records(unit: Unit): Records | undefined {
    const key = `${unit.isTail ? "t" : "b"}${unit.generation}.${unit.first}.${unit.count}`
    const known = this.recent.get(key)
    this.recent.delete(key)
    const records = known ?? this.load(unit)
    if (records === undefined) return undefined
    this.recent.set(key, records)
    if (this.recent.size > cached) {
      for (const oldest of this.recent.keys()) {
        this.recent.delete(oldest)
        break
      }
    }
    return records
  }

  /** Forgets what it has decoded. */
  forget(): void {
    this.recent.clear()
  }

  private load(unit: Unit): Records | undefined {
    if (!unit.isTail) {
      const columns = this.columns(unit)
      const text = this.text(unit)
      return columns === undefined || text === undefined ? undefined : { ...columns, text }
    }
    const { count, first, generation } = unit
    const row = this.statements.tail.row([generation, first, count])
    if (row !== undefined) return decodeTail(bytesOf(row[0]))
    // It has become a part of a block, or of another tail, since it was found.
    const pieces = this.covering(generation, first)
    if (pieces === undefined || pieces.first > first || pieces.first + pieces.count < first + count) return undefined
    const records = this.load(pieces)
    if (records === undefined) return undefined
    const from = first - pieces.first
    return sliceRecords(records, from, from + count, textEnds(records))
  }
}
