/** The database that operations are kept in. */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"

/** The database cannot be opened now. `message` is a sentence for people. */
export class DatabaseUnavailable extends Data.TaggedError("DatabaseUnavailable")<{ readonly message: string }> {}

/** An open database. */
export interface OpenDatabase {
  readonly sql: SqlClient
  /** What people should know although it is open, such as that a damaged file was replaced. */
  readonly notice?: string
  /** Gives the space of what was deleted back, in small steps. */
  readonly reclaim: Effect.Effect<void, SqlError>
  /** Whether an error means that the database has to be opened anew. */
  readonly isBroken: (error: unknown) => boolean
  /** What an error means to people: a sentence without its end. */
  readonly explain: (error: unknown) => string
}

/**
 * Opens the database, with its tables made. It is opened again when that failed, or when it broke. The statements are plain
 * SQL for any `SqlClient`.
 */
export class OperationDatabase extends Context.Tag("@dockwire/server/OperationDatabase")<
  OperationDatabase,
  { readonly open: Effect.Effect<OpenDatabase, DatabaseUnavailable, Scope.Scope> }
>() {
  /** There is none. */
  static readonly layerNone: Layer.Layer<OperationDatabase> = Layer.succeed(OperationDatabase, {
    open: Effect.fail(new DatabaseUnavailable({ message: "The history of operations is switched off." }))
  })
}
