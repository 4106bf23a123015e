/** Keeps what is stored within its bounds: deletes the oldest blocks, and gives their space back. */
import type { LogRetention } from "../LogRecord.js"
import { type Connection, numberOf, type SqlValue, type Statement } from "../database/driver.js"
import type { Retained } from "../thread/messages.js"

/** Pages that are given back at once, of 4 KiB each. */
const vacuumPages = 256
/** As many free pages are left for the next blocks: giving back and taking again costs more than keeping them. */
const keptPages = 1024

/** Blocks that are deleted at once, so that a write waits for no more than that. */
export const deletedAtOnce = 32

interface Oldest {
  readonly isTail: boolean
  readonly id: number
  readonly source: number
  readonly bytes: number
  readonly count: number
}

const oldestOf = (row: ReadonlyArray<SqlValue> | undefined, isTail: boolean): Oldest | undefined => {
  if (row === undefined) return undefined
  const [id, source, bytes, count] = row.map(numberOf)
  return { isTail, id: id ?? 0, source: source ?? 0, bytes: bytes ?? 0, count: count ?? 0 }
}

/** What was deleted for its size. */
export interface Enforced {
  /** Blocks and tails. */
  readonly deleted: number
  /** Whether newest lines were among it. */
  readonly tailsDeleted: boolean
}

export class Bounds {
  private readonly bytes = new Map<number, number>()
  private total = 0
  private readonly statements: Readonly<Record<string, Statement>>
  private readonly deletes: ReadonlyArray<Statement>
  private readonly deleteTail: Statement
  private readonly freePages: Statement

  constructor(
    private readonly connection: Connection,
    public limits: LogRetention
  ) {
    const what = "id, source, bytes, count"
    this.statements = {
      block: connection.prepare(`SELECT ${what} FROM blocks ORDER BY key_s, key_n LIMIT 1`),
      blockOf: connection.prepare(`SELECT ${what} FROM blocks WHERE source = ? ORDER BY key_s, key_n LIMIT 1`),
      tail: connection.prepare(`SELECT ${what} FROM tails ORDER BY key_s, key_n LIMIT 1`),
      tailOf: connection.prepare(`SELECT ${what} FROM tails WHERE source = ? ORDER BY key_s, key_n LIMIT 1`),
      oldBlock: connection.prepare(`SELECT ${what} FROM blocks WHERE key_s < ? ORDER BY key_s, key_n LIMIT 1`),
      oldTail: connection.prepare(`SELECT ${what} FROM tails WHERE key_s < ? LIMIT 1`)
    }
    this.deletes = ["blocks", "block_grams", "block_columns", "block_texts"].map((table) =>
      connection.prepare(`DELETE FROM ${table} WHERE id = ?`)
    )
    this.deleteTail = connection.prepare("DELETE FROM tails WHERE id = ?")
    this.freePages = connection.prepare("PRAGMA freelist_count")
    this.load()
  }

  /** Counts what is stored. */
  load(): void {
    this.bytes.clear()
    this.total = 0
    for (const table of ["blocks", "tails"]) {
      const rows = this.connection.prepare(`SELECT source, SUM(bytes) FROM ${table} GROUP BY source`).rows()
      for (const [source, bytes] of rows) this.add(numberOf(source), numberOf(bytes))
    }
  }

  add(source: number, bytes: number): void {
    this.bytes.set(source, (this.bytes.get(source) ?? 0) + bytes)
    this.total += bytes
  }

  /** Deletes what exceeds the size of these sources, and of all, at most so much of it. */
  enforce(sources: Iterable<number>, most = Number.POSITIVE_INFINITY): Enforced {
    let tailsDeleted = false
    let deleted = 0
    const remove = (oldest: Oldest | undefined): boolean => {
      if (oldest === undefined || deleted === most) return false
      deleted++
      tailsDeleted ||= oldest.isTail
      this.delete(oldest)
      return true
    }
    for (const source of sources) {
      while ((this.bytes.get(source) ?? 0) > this.limits.sourceBytes) {
        if (!remove(this.find("blockOf", [source]) ?? this.find("tailOf", [source]))) break
      }
    }
    while (this.total > this.limits.bytes) if (!remove(this.find("block", []) ?? this.find("tail", []))) break
    return { deleted, tailsDeleted }
  }

  /** Deletes a part of what is too old. Returns nothing if there was none. */
  deleteOld(now: number): Retained | undefined {
    const cutoff = Math.floor((now - this.limits.age) / 1000)
    let records = 0
    let bytes = 0
    for (let step = 0; step < deletedAtOnce; step++) {
      const oldest = this.find("oldBlock", [cutoff]) ?? this.find("oldTail", [cutoff])
      if (oldest === undefined) break
      this.delete(oldest)
      records += oldest.count
      bytes += oldest.bytes
    }
    return records === 0 ? undefined : { records, bytes }
  }

  /** Gives a part of the free space back to the disk. Returns whether there is more. */
  reclaim(): boolean {
    const free = numberOf(this.freePages.row()?.[0])
    if (free <= keptPages) return false
    // A statement that returns nothing is run to its end by `exec` only.
    this.connection.exec(`PRAGMA incremental_vacuum(${Math.min(vacuumPages, free - keptPages)})`)
    return true
  }

  private find(statement: string, parameters: ReadonlyArray<number>): Oldest | undefined {
    return oldestOf(this.statements[statement]?.row(parameters), /tail/i.test(statement))
  }

  private delete({ bytes, id, isTail, source }: Oldest): void {
    if (isTail) this.deleteTail.run([id])
    else for (const statement of this.deletes) statement.run([id])
    this.add(source, -bytes)
  }
}
