/** Writes what it is given into the file, a few times a second. */
import { levelOf } from "@dockwire/core/LogLevel"
import { levelNumber } from "../block/storedLevels.js"
import {
  advance,
  copyState,
  levelShift,
  type Records,
  sliceRecords,
  splitTexts,
  streamMask,
  streamOf,
  textEnds
} from "../block/Records.js"
import { type LogResumePoint, type LogRetention, sourceId } from "../LogRecord.js"
import { BlockTable } from "./BlockTable.js"
import { Bounds, deletedAtOnce } from "./Bounds.js"
import { bytesOf, type Connection, numberOf, textBytes, textOf } from "../database/driver.js"
import { decodeState, encodeState, Generation } from "./Generation.js"
import type { ColumnBatch, Retained } from "../thread/messages.js"

/** Newest lines become a block after this time, however few they are: as they are, they take more space. In milliseconds. */
const sealAfter = 24 * 60 * 60 * 1000

const withLevels = (
  { count, flags, inner, nanos, parts, seconds, texts }: ColumnBatch,
  { state }: Generation
): Records => {
  if (count > 0) {
    for (const [index, text] of splitTexts(texts, inner).entries()) {
      const flag = flags[index] ?? 0
      if ((flag & streamMask) !== streamOf.mark) flags[index] = flag | (levelNumber(levelOf(text)) << levelShift)
    }
  }
  return { count, state: copyState(state), seconds, nanos, flags, parts, inner, text: Buffer.from(texts) }
}

export class LogWriter {
  private readonly generations = new Map<string, Generation>()
  /** Those with something that is not stored. */
  private readonly changed = new Set<Generation>()
  private readonly blocks: BlockTable
  private readonly bounds: Bounds
  /** Bytes of what was given and is not stored. */
  private pendingBytes = 0
  private isStale = false

  constructor(
    private readonly connection: Connection,
    limits: LogRetention
  ) {
    this.blocks = new BlockTable(connection)
    this.bounds = new Bounds(connection, limits)
    this.load()
  }

  get hasPending(): boolean {
    return this.changed.size > 0
  }

  /** Takes a batch, except for what it has already. `size`: how many bytes the sender counted. */
  take(batch: ColumnBatch, size: number): void {
    this.pendingBytes += size
    const generation = this.generationOf(batch)
    const known = Math.max(0, generation.number - batch.after)
    this.changed.add(generation)
    if (known >= batch.count && known > 0) return
    const whole = withLevels(batch, generation)
    const records = known === 0 ? whole : sliceNew(whole, known, generation)
    const { flags, nanos, seconds } = records
    for (let index = 0; index < records.count; index++) {
      advance(generation.state, seconds[index] ?? 0, nanos[index] ?? 0, flags[index] ?? 0)
    }
    if (records.count > 0) generation.pending.push({ first: batch.after + known + 1, records })
    generation.number = batch.after + batch.count
    generation.position = batch.position ?? generation.position
  }

  resume(container: string): LogResumePoint | undefined {
    const generation = this.generations.get(container)
    if (generation === undefined) return undefined
    const { number, position } = generation
    return position === undefined ? { number } : { number, position }
  }

  /** Stores everything that it was given. Returns the bytes of it, as the sender counted them. */
  commit(): number {
    const now = Date.now()
    this.inTransaction(() => {
      if (this.isStale) this.reload()
      const sources = new Set<number>()
      for (const generation of this.changed) {
        this.ensureRow(generation)
        sources.add(generation.sourceId)
        this.bounds.add(generation.sourceId, this.blocks.store(generation, now))
        this.updateRow(generation)
      }
      if (this.bounds.enforce(sources).tailsDeleted) this.loadTails()
    })
    for (const generation of this.changed) generation.pending = []
    this.changed.clear()
    const bytes = this.pendingBytes
    this.pendingBytes = 0
    return bytes
  }

  /** Deletes what is too old or too much, a part of it. Returns nothing if there was none. */
  retainSome(limits: LogRetention): Retained | undefined {
    this.bounds.limits = limits
    return this.inTransaction(() => {
      if (this.isStale) this.reload()
      const deleted = this.bounds.deleteOld(Date.now())
      const enforced = this.bounds.enforce(this.sourceIds(), deletedAtOnce)
      if (deleted !== undefined || enforced.tailsDeleted) this.loadTails()
      return deleted ?? (enforced.deleted === 0 ? undefined : { records: 0, bytes: 0 })
    })
  }

  /** Makes blocks of lines that are no longer new, and forgets containers of which nothing is left. */
  tidy(): void {
    const now = Date.now()
    for (const generation of this.generations.values()) {
      const { since } = generation.tail
      if (since === 0 || since > now - sealAfter) continue
      this.inTransaction(() => this.blocks.seal(generation, [], now, true))
    }
    const oldest = Math.floor((now - this.bounds.limits.age) / 1000)
    const empty = this.connection
      .prepare(
        `SELECT container FROM generations WHERE key_s < ? AND NOT EXISTS (SELECT 1 FROM blocks WHERE
        generation = generations.id) AND NOT EXISTS (SELECT 1 FROM tails WHERE generation = generations.id)`
      )
      .rows([oldest])
    for (const [container] of empty) this.forget(textOf(container))
  }

  /** Gives a part of the free space back. Returns whether there is more. */
  reclaim(): boolean {
    return this.bounds.reclaim()
  }

  /** Writes everything into the file itself, and empties the journal. */
  checkpoint(): void {
    this.connection.prepare("PRAGMA wal_checkpoint(TRUNCATE)").rows()
  }

  private forget(container: string): void {
    const generation = this.generations.get(container)
    if (generation === undefined || generation.pending.length > 0) return
    this.generations.delete(container)
    this.connection.prepare("DELETE FROM generations WHERE id = ?").run([generation.id])
    this.connection
      .prepare("DELETE FROM sources WHERE id = ? AND NOT EXISTS (SELECT 1 FROM generations WHERE source = sources.id)")
      .run([generation.sourceId])
  }

  private inTransaction<A>(run: () => A): A {
    this.connection.exec("BEGIN IMMEDIATE")
    try {
      const result = run()
      this.connection.exec("COMMIT")
      return result
    } catch (error) {
      this.isStale = true
      try {
        this.connection.exec("ROLLBACK")
      } catch {
        // The database has done so itself.
      }
      throw error
    }
  }

  private generationOf({ containerId, containerName, source }: ColumnBatch): Generation {
    const known = this.generations.get(containerId)
    if (known !== undefined) return known
    const { engine, name, project } = source
    const key = JSON.stringify(project === undefined ? { engine, name } : { engine, project, name })
    const generation = new Generation(sourceId(source), key, containerId, containerName)
    this.generations.set(containerId, generation)
    return generation
  }

  private ensureRow(generation: Generation): void {
    if (generation.id !== 0) return
    const { container, name, source, sourceKey } = generation
    const { connection } = this
    connection
      .prepare("INSERT INTO sources (name, key) VALUES (?, ?) ON CONFLICT DO NOTHING")
      .run([textBytes(source), textBytes(sourceKey)])
    const [sourceRow] = connection.prepare("SELECT id FROM sources WHERE name = ?").row([textBytes(source)]) ?? []
    generation.sourceId = numberOf(sourceRow)
    const [row] =
      connection
        .prepare(
          `INSERT INTO generations (source, container, name, number, state, key_s, key_n) VALUES (?, ?, ?, 0, ?, 0, 0)
          RETURNING id`
        )
        .rows([generation.sourceId, textBytes(container), textBytes(name), encodeState(generation.state)])[0] ?? []
    generation.id = numberOf(row)
  }

  private updateRow({ id, number, position, state }: Generation): void {
    this.connection
      .prepare("UPDATE generations SET number = ?, position = ?, state = ?, key_s = ?, key_n = ? WHERE id = ?")
      .run([
        number,
        position === undefined ? null : textBytes(position),
        encodeState(state),
        state.keySeconds,
        state.keyNanos,
        id
      ])
  }

  private sourceIds(): ReadonlyArray<number> {
    return [...new Set([...this.generations.values()].map(({ sourceId: id }) => id))]
  }

  private load(): void {
    const rows = this.connection
      .prepare(
        `SELECT generations.id, sources.id, sources.name, sources.key, container, generations.name, number, position, state
        FROM generations JOIN sources ON sources.id = source`
      )
      .rows()
    for (const [id, source, sourceName, key, container, name, number, position, state] of rows) {
      const generation = new Generation(textOf(sourceName), textOf(key), textOf(container), textOf(name))
      generation.id = numberOf(id)
      generation.sourceId = numberOf(source)
      generation.number = numberOf(number)
      if (position !== null && position !== undefined) generation.position = textOf(position)
      generation.state = decodeState(bytesOf(state))
      this.generations.set(generation.container, generation)
    }
    this.loadTails()
  }

  private loadTails(): void {
    const tails = new Map(
      this.connection
        .prepare("SELECT generation, COUNT(*), SUM(bytes), MIN(since) FROM tails GROUP BY generation")
        .rows()
        .map(([generation, rows, bytes, since]) => [
          numberOf(generation),
          { rows: numberOf(rows), bytes: numberOf(bytes), since: numberOf(since) }
        ])
    )
    for (const generation of this.generations.values()) {
      generation.tail = tails.get(generation.id) ?? { rows: 0, bytes: 0, since: 0 }
    }
  }

  /** After a transaction that failed: what the database has, which is less than what is remembered. */
  private reload(): void {
    this.isStale = false
    const ids = new Map(
      this.connection
        .prepare("SELECT container, id FROM generations")
        .rows()
        .map(([container, id]) => [textOf(container), numberOf(id)])
    )
    for (const generation of this.generations.values()) generation.id = ids.get(generation.container) ?? 0
    this.bounds.load()
    this.loadTails()
  }
}

/** What comes behind the records that are known. */
const sliceNew = (records: Records, known: number, { state }: Generation): Records => ({
  ...sliceRecords(records, known, records.count, textEnds(records)),
  state: copyState(state)
})
