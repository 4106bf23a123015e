/** The tables that operations are kept in. */
import * as SqlClient from "@effect/sql/SqlClient"
import * as Migrator from "@effect/sql/Migrator"
import * as Effect from "effect/Effect"

const create = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE settings (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL)`
  yield* sql`CREATE TABLE operations (
    log_id TEXT PRIMARY KEY NOT NULL,
    first_order BIGINT NOT NULL,
    kind TEXT NOT NULL,
    target TEXT NOT NULL,
    config_room TEXT,
    image_room TEXT,
    targets TEXT NOT NULL,
    started_by TEXT,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    status TEXT NOT NULL,
    error TEXT,
    failure TEXT,
    fraction DOUBLE PRECISION,
    line_count BIGINT NOT NULL,
    byte_count BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    search TEXT NOT NULL,
    idempotency_key TEXT,
    idempotency_request TEXT
  )`
  yield* sql`CREATE INDEX operations_by_order ON operations (first_order)`
  yield* sql`CREATE INDEX operations_by_config ON operations (config_room)`
  yield* sql`CREATE INDEX operations_by_image ON operations (image_room)`
  // The events of one run in one write, as one text: a row for each line would take ten times as long to write and to read.
  yield* sql`CREATE TABLE operation_blocks (
    log_id TEXT NOT NULL,
    first_seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    flush BIGINT NOT NULL,
    events TEXT NOT NULL,
    PRIMARY KEY (log_id, first_seq)
  )`
  yield* sql`CREATE INDEX operation_blocks_by_flush ON operation_blocks (flush)`
  yield* sql`CREATE TABLE operation_progress (
    log_id TEXT NOT NULL,
    item TEXT NOT NULL,
    seq BIGINT NOT NULL,
    place BIGINT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (log_id, item)
  )`
  yield* sql`CREATE INDEX operation_progress_by_place ON operation_progress (place)`
  yield* sql`CREATE TABLE operation_gaps (
    log_id TEXT NOT NULL,
    from_seq BIGINT NOT NULL,
    to_seq BIGINT NOT NULL,
    from_order BIGINT NOT NULL,
    to_order BIGINT NOT NULL,
    is_exact INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (log_id, from_seq)
  )`
  yield* sql`CREATE INDEX operation_gaps_by_order ON operation_gaps (from_order)`
})

const migrations = { "1_create": create }

/** The columns that are read as text. Those of events are read as bytes. */
export const textColumns = {
  settings: ["name", "value"],
  operations: [
    "log_id",
    "kind",
    "target",
    "config_room",
    "image_room",
    "targets",
    "started_by",
    "started_at",
    "ended_at",
    "status",
    "error",
    "failure",
    "search",
    "idempotency_key",
    "idempotency_request"
  ],
  operation_gaps: ["reason"]
} as const

/** The version of the tables that this code knows. */
export const knownVersion = Object.keys(migrations).length

/** The version of the tables in a database; 0 if it has none. */
export const storedVersion = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  sql<{ readonly version: number | null }>`SELECT MAX(migration_id) AS version FROM effect_sql_migrations`.pipe(
    Effect.map(([row]) => row?.version ?? 0)
  )
)

/** Makes the tables, or brings them to the version that this code knows. */
export const migrate = Migrator.make({})({ loader: Migrator.fromRecord(migrations) })
