/** A client of libsql whose one connection lives on a thread of its own. */
import type { Client, InArgs, InStatement, Replicated, ResultSet, Row, Transaction, Value } from "@libsql/client"
import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"
import { Worker } from "node:worker_threads"
import { workerProgram } from "./workerProgram.js"

type Answer = { readonly id: number } & (
  | { readonly columns: Array<string>; readonly rows: ReadonlyArray<ReadonlyArray<Value>>; readonly changes: number }
  | { readonly message: string; readonly code: string | undefined }
)

/** As the driver's own error, which cannot be imported without the driver: that one is loaded by the thread alone. */
class DatabaseError extends Error {
  override readonly name = "DatabaseError"
  constructor(
    message: string,
    readonly code: string
  ) {
    super(message)
  }
}

interface Waiting {
  readonly resolve: (result: ResultSet) => void
  readonly reject: (error: DatabaseError) => void
}

const rowOf = (columns: ReadonlyArray<string>, values: ReadonlyArray<Value>): Row => {
  // As the driver's own rows: only the columns are seen when a row is copied.
  const row: Row = Object.defineProperty({ length: values.length }, "length", { enumerable: false })
  for (const [index, column] of columns.entries()) row[column] = values[index] ?? null
  return row
}

const resultOf = (columns: Array<string>, rows: ReadonlyArray<ReadonlyArray<Value>>, changes: number): ResultSet => {
  const result = {
    columns,
    columnTypes: [],
    rows: rows.map((values) => rowOf(columns, values)),
    rowsAffected: changes,
    lastInsertRowid: undefined
  }
  return { ...result, toJSON: () => result }
}

const unsupported = (): Promise<never> =>
  Promise.reject(new DatabaseError("Not supported on this connection", "UNSUPPORTED"))

/**
 * One connection, for settings that last and for a lock that is kept: the driver's own client opens another one for each
 * transaction. Statements run one after another.
 */
export class WorkerClient implements Client {
  readonly protocol = "file"
  private readonly worker: Worker
  private readonly waiting = new Map<number, Waiting>()
  private lastId = 0
  private isClosing = false
  private ended: DatabaseError | undefined

  constructor(path: string) {
    // Without the clients of remote databases, which take longer to load than everything else.
    const driver = createRequire(import.meta.url).resolve("@libsql/client/sqlite3")
    this.worker = new Worker(workerProgram, {
      eval: true,
      workerData: { driver, url: pathToFileURL(path).href },
      // None of the options and of the environment of this process are for the database.
      execArgv: [],
      env: {}
    })
    this.worker.unref()
    this.worker.on("message", (answer: Answer) => this.settle(answer))
    this.worker.on("error", (error) => this.end(`The thread of the database died: ${error.message}`))
    this.worker.on("exit", () => this.end("The connection to the database is closed"))
  }

  get closed(): boolean {
    return this.ended !== undefined
  }

  execute(statement: InStatement | string, args: InArgs = []): Promise<ResultSet> {
    return typeof statement === "string" ? this.send(statement, args) : this.send(statement.sql, statement.args)
  }

  async transaction(): Promise<Transaction> {
    await this.send("BEGIN IMMEDIATE")
    let closed = false
    const finish = (sql: string) => async () => {
      closed = true
      await this.send(sql)
    }
    return {
      execute: (statement) => this.execute(statement),
      batch: unsupported,
      executeMultiple: unsupported,
      commit: finish("COMMIT"),
      rollback: finish("ROLLBACK"),
      close: () => {
        if (!closed) void finish("ROLLBACK")()
      },
      get closed() {
        return closed
      }
    }
  }

  batch(): Promise<never> {
    return unsupported()
  }

  migrate(): Promise<never> {
    return unsupported()
  }

  /** Runs statements to their end, which `execute` does not if they return no rows. */
  async executeMultiple(sql: string): Promise<void> {
    await this.post(sql, [], true)
  }

  sync(): Promise<Replicated> {
    return unsupported()
  }

  close(): void {
    void this.shutdown().catch(() => {})
  }

  /** Closes the connection. Completes when the file is no longer used. */
  async shutdown(): Promise<void> {
    if (this.ended !== undefined) return
    this.isClosing = true
    const exited = new Promise<void>((resolve) => this.worker.once("exit", () => resolve()))
    this.post(undefined, []).catch(() => {})
    await exited
  }

  private send(sql: string, args: InArgs = []): Promise<ResultSet> {
    return this.post(sql, args)
  }

  private post(sql: string | undefined, args: InArgs, script = false): Promise<ResultSet> {
    const { ended } = this
    if (ended !== undefined) return Promise.reject(ended)
    return new Promise((resolve, reject) => {
      const id = ++this.lastId
      this.waiting.set(id, { resolve, reject })
      this.worker.ref()
      this.worker.postMessage({ id, sql, args, script })
    })
  }

  private settle(answer: Answer): void {
    const waiting = this.waiting.get(answer.id)
    this.waiting.delete(answer.id)
    // While it closes, nothing else may keep the process alive.
    if (this.waiting.size === 0 && !this.isClosing) this.worker.unref()
    if ("message" in answer) waiting?.reject(new DatabaseError(answer.message, answer.code ?? "UNKNOWN"))
    else waiting?.resolve(resultOf(answer.columns, answer.rows, answer.changes))
  }

  private end(message: string): void {
    this.ended ??= new DatabaseError(message, "CLIENT_CLOSED")
    for (const { reject } of this.waiting.values()) reject(this.ended)
    this.waiting.clear()
  }
}
