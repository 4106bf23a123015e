/** The database in a file of the data directory. */
import { SqlError } from "@effect/sql/SqlError"
import { SqlClient } from "@effect/sql/SqlClient"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { isUtf8 } from "node:buffer"
import { existsSync } from "node:fs"
import { mkdir, open, rename, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import { DatabaseUnavailable, OperationDatabase, type OpenDatabase } from "../OperationDatabase.js"
import type { WorkerClient } from "./WorkerClient.js"
import { knownVersion, migrate, storedVersion, textColumns } from "../sql/migrations.js"

/** A file that no server can use: it is damaged, or a later version made it. */
class UnusableFile {
  readonly _tag = "UnusableFile"
  constructor(readonly reason: "damaged" | "newer") {}
}

const codeOf = (error: unknown): string => {
  if (typeof error !== "object" || error === null) return ""
  if ("code" in error && typeof error.code === "string") return error.code
  return "cause" in error ? codeOf(error.cause) : ""
}

const messageOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : messageOf(error.cause)
}

const isDamaged = (error: unknown): boolean =>
  /^SQLITE_(CORRUPT|NOTADB)/.test(codeOf(error)) || /malformed|not a database/.test(messageOf(error))

const isBroken = (error: unknown): boolean =>
  isDamaged(error) || codeOf(error) === "CLIENT_CLOSED" || messageOf(error).includes("closed")

const explain = (file: string, error: unknown): string => {
  const code = codeOf(error)
  if (code.startsWith("SQLITE_FULL") || code === "ENOSPC") {
    return `The disk of ${dirname(file)} is full, so that operations are not kept. Free some space`
  }
  if (code.startsWith("SQLITE_BUSY")) {
    return `${file} is in use by another server, so that operations are not kept. Start one of them with another --data-dir`
  }
  if (code.startsWith("SQLITE_READONLY") || code === "EROFS" || code === "EACCES" || code === "EPERM") {
    return `${dirname(file)} is read-only, so that operations are not kept. Let the server write to it`
  }
  return `${file} cannot be used, so that operations are not kept (${messageOf(error)})`
}

const unavailable = (file: string, error: unknown) =>
  new DatabaseUnavailable({ message: `${explain(file, error)}. Live logs go on.` })

/** The file must exist before the driver opens it, as it would be readable by everybody. */
const createFile = async (file: string): Promise<void> => {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await (await open(file, "a", 0o600)).close()
}

/** Gives up on a file, and keeps it for whoever can read it. Returns what people should know. */
const setAside = async (file: string, { reason }: UnusableFile): Promise<string> => {
  const to = `${file}.${reason}-${new Date().toISOString().replaceAll(/[:.]/g, "-")}`
  for (const end of ["", "-wal", "-shm"]) {
    if (existsSync(file + end)) await rename(file + end, to + end)
  }
  const why = reason === "newer" ? `was made by a later version of Dockwire` : `is damaged`
  return `${file} ${why}. It is now ${to}, and a new history has begun.`
}

/** The connection's own settings. The lock is held until the connection is closed, also against a second server. */
const settings = [
  "PRAGMA locking_mode = EXCLUSIVE",
  "PRAGMA auto_vacuum = INCREMENTAL",
  "PRAGMA journal_mode = WAL",
  // The end of the process loses nothing, a power cut the last moment.
  "PRAGMA synchronous = NORMAL",
  "PRAGMA journal_size_limit = 16777216"
]

const pagesAtOnce = 200

const reclaim = ({ client, sql }: Connection): Effect.Effect<void, SqlError> =>
  Effect.gen(function* () {
    const free = Effect.map(
      sql<{ readonly freelist_count: number }>`PRAGMA freelist_count`,
      ([row]) => row?.freelist_count ?? 0
    )
    let left = yield* free
    while (left > 0) {
      yield* Effect.tryPromise({
        try: () => client.executeMultiple(`PRAGMA incremental_vacuum(${pagesAtOnce})`),
        catch: (cause) => new SqlError({ cause, message: "Failed to give space back" })
      })
      const now = yield* free
      if (now >= left) break
      left = now
    }
    yield* sql`PRAGMA wal_checkpoint(TRUNCATE)`
  })

interface Connection {
  readonly sql: SqlClient
  readonly client: WorkerClient
}

const connect = (file: string): Effect.Effect<Connection, never, Scope.Scope> =>
  Effect.gen(function* () {
    // Loaded only when it is needed: the driver is native code.
    const [LibsqlClient, { WorkerClient }] = yield* Effect.promise(() =>
      Promise.all([import("@effect/sql-libsql/LibsqlClient"), import("./WorkerClient.js")])
    )
    const liveClient = yield* Effect.acquireRelease(
      Effect.sync(() => new WorkerClient(file)),
      (client) => Effect.promise(() => client.shutdown())
    )
    const sql = Context.get(yield* Layer.build(LibsqlClient.layer({ liveClient })), SqlClient)
    return { sql, client: liveClient }
  })

/** How large a file is checked as a whole when it is opened. Damage of a larger one shows when it is used. */
const maxChecked = 64 * 1024 * 1024

const checkPages = (file: string, sql: SqlClient): Effect.Effect<void, SqlError | UnusableFile> =>
  Effect.gen(function* () {
    const { size } = yield* Effect.promise(() => stat(file))
    if (size > maxChecked) return
    const [row] = yield* sql<{ readonly quick_check: string }>`PRAGMA quick_check(1)`
    if (row?.quick_check !== "ok") yield* Effect.fail(new UnusableFile("damaged"))
  })

/** Whether there is such a table. Its rows are damaged if one of these texts is: the driver ends the process when it reads one. */
const checkTable = (sql: SqlClient, table: string, columns: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const [found] = yield* sql<{ readonly count: number }>`SELECT COUNT(*) AS count FROM sqlite_master
      WHERE name = ${table}`
    if (found?.count !== 1) return false
    const text = columns.map((column) => `COALESCE(${column}, '')`).join(" || ' ' || ")
    const rows = yield* sql<{ readonly bytes: ArrayBuffer }>`SELECT CAST(${sql.literal(text)} AS BLOB) AS bytes
      FROM ${sql(table)}`
    if (!rows.every(({ bytes }) => isUtf8(bytes))) yield* Effect.fail(new UnusableFile("damaged"))
    return true
  })

const checkTables = (sql: SqlClient) =>
  Effect.gen(function* () {
    const hasVersion = yield* checkTable(sql, "effect_sql_migrations", ["name", "created_at"])
    if (hasVersion && (yield* Effect.provideService(storedVersion, SqlClient, sql)) > knownVersion) {
      yield* Effect.fail(new UnusableFile("newer"))
    }
    for (const [table, columns] of Object.entries(textColumns)) yield* checkTable(sql, table, columns)
  })

const openFile = (file: string): Effect.Effect<OpenDatabase, UnusableFile | DatabaseUnavailable, Scope.Scope> =>
  Effect.gen(function* () {
    yield* Effect.tryPromise(() => createFile(file))
    const connection = yield* connect(file)
    const { sql } = connection
    for (const setting of settings) yield* sql.unsafe(setting)
    yield* checkPages(file, sql)
    yield* checkTables(sql)
    yield* Effect.provideService(migrate, SqlClient, sql)
    return { sql, reclaim: reclaim(connection), isBroken, explain: (error: unknown) => explain(file, error) }
  }).pipe(
    Effect.catchAllCause((cause) => {
      if (Cause.isInterruptedOnly(cause)) return Effect.interrupt
      const error = Cause.squash(cause)
      if (error instanceof UnusableFile) return Effect.fail(error)
      return Effect.fail(isDamaged(error) ? new UnusableFile("damaged") : unavailable(file, error))
    })
  )

/** Opens the file in a scope, and leaves nothing open if that fails. */
const openFileIn = (file: string, scope: Scope.Scope) =>
  Effect.gen(function* () {
    const own = yield* Scope.fork(scope, ExecutionStrategy.sequential)
    return yield* openFile(file).pipe(
      Scope.extend(own),
      Effect.tapError(() => Scope.close(own, Exit.void))
    )
  })

const openOrReplace = (file: string): Effect.Effect<OpenDatabase, DatabaseUnavailable, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    // Its connection is closed when it cannot be used, before it gets another name.
    const first = yield* Effect.either(openFileIn(file, scope))
    if (first._tag === "Right") return first.right
    if (first.left._tag === "DatabaseUnavailable") return yield* Effect.fail(first.left)
    const { left } = first
    const notice = yield* Effect.tryPromise({
      try: () => setAside(file, left),
      catch: (error) => unavailable(file, error)
    })
    const second = yield* Effect.mapError(openFileIn(file, scope), (error) =>
      error._tag === "UnusableFile" ? unavailable(file, new Error(`it is ${error.reason}`)) : error
    )
    return { ...second, notice }
  })

/** The file `operations.db` of the data directory. */
export const layerEmbedded = (dataDir: string): Layer.Layer<OperationDatabase> => {
  const file = join(dataDir, "operations.db")
  return Layer.succeed(OperationDatabase, { open: openOrReplace(file) })
}
