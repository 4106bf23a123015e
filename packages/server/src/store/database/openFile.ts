/** Opens the file of the store, and gives up on one that cannot be used. */
import { closeSync, existsSync, mkdirSync, openSync, renameSync } from "node:fs"
import { dirname } from "node:path"
import { connect, type Connection, numberOf } from "./driver.js"

/** The version of the tables below. */
export const knownVersion = 1

const tables = `
CREATE TABLE settings (name TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL);
CREATE TABLE sources (id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, key BLOB NOT NULL);
CREATE TABLE generations (
  id INTEGER PRIMARY KEY, source INTEGER NOT NULL, container BLOB NOT NULL UNIQUE, name BLOB NOT NULL,
  number INTEGER NOT NULL, position BLOB, state BLOB NOT NULL, key_s INTEGER NOT NULL, key_n INTEGER NOT NULL
);
CREATE INDEX generations_by_source ON generations (source);
-- The heads of blocks are small, and read without the rest.
CREATE TABLE blocks (
  id INTEGER PRIMARY KEY, source INTEGER NOT NULL, generation INTEGER NOT NULL, first INTEGER NOT NULL,
  count INTEGER NOT NULL, bytes INTEGER NOT NULL, min_s INTEGER NOT NULL, max_s INTEGER NOT NULL,
  first_s INTEGER NOT NULL, first_n INTEGER NOT NULL, key_s INTEGER NOT NULL, key_n INTEGER NOT NULL,
  levels BLOB NOT NULL, streams INTEGER NOT NULL
);
CREATE UNIQUE INDEX blocks_by_number ON blocks (generation, first);
CREATE INDEX blocks_by_source ON blocks (source, key_s, key_n);
CREATE INDEX blocks_by_time ON blocks (key_s, key_n);
CREATE TABLE block_grams (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE block_columns (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE block_texts (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
-- What is not yet enough for a block.
CREATE TABLE tails (
  id INTEGER PRIMARY KEY, source INTEGER NOT NULL, generation INTEGER NOT NULL, first INTEGER NOT NULL,
  count INTEGER NOT NULL, bytes INTEGER NOT NULL, min_s INTEGER NOT NULL, max_s INTEGER NOT NULL,
  first_s INTEGER NOT NULL, first_n INTEGER NOT NULL, key_s INTEGER NOT NULL, key_n INTEGER NOT NULL,
  levels BLOB NOT NULL, streams INTEGER NOT NULL, since INTEGER NOT NULL, data BLOB NOT NULL
);
CREATE UNIQUE INDEX tails_by_number ON tails (generation, first);
CREATE INDEX tails_by_source ON tails (source);
`

/** A file that no server can use: it is damaged, or a later version made it. */
class UnusableFile extends Error {
  constructor(readonly reason: "damaged" | "newer") {
    super(`The file is ${reason}.`)
  }
}

const isDamaged = (error: unknown): boolean =>
  error instanceof Error &&
  (("code" in error && typeof error.code === "string" && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code)) ||
    /malformed|not a database/.test(error.message))

export { isDamaged }

/** Gives the file another name, for whoever can read it. Returns what people should know. */
const setAside = (file: string, reason: "damaged" | "newer"): string => {
  const to = `${file}.${reason}-${new Date().toISOString().replaceAll(/[:.]/g, "-")}`
  for (const end of ["", "-wal", "-shm"]) if (existsSync(file + end)) renameSync(file + end, to + end)
  const why = reason === "newer" ? "was made by a later version of Dockwire" : "is damaged"
  return `${file} ${why}. It is now ${to}, and container logs are kept in a new file.`
}

/** The file must exist before the driver opens it, as it would be readable by everybody. */
const createFile = (file: string): void => {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  closeSync(openSync(file, "a", 0o600))
}

/** Keeps a second server away. The kernel releases the lock when this process ends, however it does. */
const lock = (file: string): Connection => {
  createFile(`${file}.lock`)
  const connection = connect(`${file}.lock`)
  try {
    connection.exec("BEGIN EXCLUSIVE")
  } catch (error) {
    connection.close()
    throw error
  }
  return connection
}

const prepare = (connection: Connection): void => {
  connection.exec("PRAGMA auto_vacuum = INCREMENTAL")
  connection.exec("PRAGMA journal_mode = WAL")
  // The end of the process loses nothing, a power cut the last moment.
  connection.exec("PRAGMA synchronous = NORMAL")
  connection.exec("PRAGMA journal_size_limit = 16777216")
  connection.exec("PRAGMA cache_size = -4096")
  const [hasTables] = connection.prepare("SELECT COUNT(*) FROM sqlite_master WHERE name = 'settings'").row() ?? []
  if (hasTables === 0) {
    connection.exec(`BEGIN; ${tables} INSERT INTO settings VALUES ('version', ${knownVersion}); COMMIT`)
  }
  const [version] = connection.prepare("SELECT value FROM settings WHERE name = 'version'").row() ?? []
  if (numberOf(version) > knownVersion) throw new UnusableFile("newer")
  // Damage of what is not looked at here shows when it is used.
  for (const table of ["sources", "generations", "blocks", "tails"]) {
    connection.prepare(`SELECT COUNT(*), MAX(id) FROM ${table} NOT INDEXED`).row()
  }
}

const openOnce = (file: string): Connection => {
  createFile(file)
  const connection = connect(file)
  try {
    prepare(connection)
    return connection
  } catch (error) {
    connection.close()
    throw isDamaged(error) ? new UnusableFile("damaged") : error
  }
}

/** A file that is open for writing. */
export interface OpenFile {
  readonly connection: Connection
  readonly lock: Connection
  readonly notice: string | undefined
}

/** Opens the file for writing; a new one if it is of no use. */
export const openFile = (file: string, wasDamaged: boolean): OpenFile => {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const held = lock(file)
  try {
    let notice = wasDamaged && existsSync(file) ? setAside(file, "damaged") : undefined
    try {
      return { connection: openOnce(file), lock: held, notice }
    } catch (error) {
      if (!(error instanceof UnusableFile)) throw error
      notice = setAside(file, error.reason)
      return { connection: openOnce(file), lock: held, notice }
    }
  } catch (error) {
    held.close()
    throw error
  }
}

/** Opens the file for reading. */
export const openForReading = (file: string): Connection => {
  const connection = connect(file)
  connection.exec("PRAGMA query_only = ON")
  connection.exec("PRAGMA cache_size = -2048")
  return connection
}
