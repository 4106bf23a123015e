/** The part of the driver's interface that is used here: it comes without types of its own. */
import { createRequire } from "node:module"

/** A value of a row. Texts are stored as bytes: the driver ends the process when it reads a text that is damaged. */
export type SqlValue = number | Buffer | null

/** A prepared statement. Parameters are always an array: the driver takes a single object, such as a buffer, for names. */
export interface Statement {
  readonly run: (parameters: ReadonlyArray<SqlValue>) => { readonly changes: number }
  /** Rows as arrays. */
  readonly rows: (parameters?: ReadonlyArray<SqlValue>) => ReadonlyArray<ReadonlyArray<SqlValue>>
  readonly row: (parameters?: ReadonlyArray<SqlValue>) => ReadonlyArray<SqlValue> | undefined
}

/** A connection to a file. */
export interface Connection {
  readonly prepare: (sql: string) => Statement
  readonly exec: (sql: string) => void
  readonly close: () => void
}

interface DriverStatement {
  readonly run: (parameters: ReadonlyArray<SqlValue>) => { readonly changes: number }
  readonly raw: () => DriverStatement
  readonly all: (parameters: ReadonlyArray<SqlValue>) => ReadonlyArray<ReadonlyArray<SqlValue>>
}

interface DriverConnection {
  readonly prepare: (sql: string) => DriverStatement
  readonly exec: (sql: string) => void
  readonly close: () => void
}

type Driver = new (path: string) => DriverConnection

const isDriver = (value: unknown): value is Driver => typeof value === "function"

/** Opens a file, which must exist. */
export const connect = (path: string): Connection => {
  const Database: unknown = createRequire(import.meta.url)("libsql")
  if (!isDriver(Database)) throw new Error("The driver of the database is of no known version.")
  const connection = new Database(path)
  return {
    exec: (sql) => connection.exec(sql),
    close: () => connection.close(),
    prepare: (sql) => {
      const statement = connection.prepare(sql)
      const rows = (parameters: ReadonlyArray<SqlValue> = []) => statement.raw().all(parameters)
      return {
        run: (parameters) => statement.run(parameters),
        rows,
        row: (parameters) => rows(parameters)[0]
      }
    }
  }
}

export const numberOf = (value: SqlValue | undefined): number => (typeof value === "number" ? value : 0)

const nothing = Buffer.alloc(0)
export const bytesOf = (value: SqlValue | undefined): Buffer => (Buffer.isBuffer(value) ? value : nothing)

/** A text as it is stored. */
export const textBytes = (text: string): Buffer => Buffer.from(text)
export const textOf = (value: SqlValue | undefined): string => bytesOf(value).toString()
