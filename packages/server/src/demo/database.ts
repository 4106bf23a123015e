/** The demo's database: all to stderr, as PostgreSQL does. */
import { type MemoryProgram, ProgramStep } from "@dockwire/core/MemoryEngine"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { pause } from "./chance.js"
import type { Site } from "./site.js"
import { first, forever, now } from "./steps.js"
import { usage } from "./usage.js"

/** The image of the demo's database. */
export const image = "postgres:16-alpine"

const said = (pid: number, text: string) =>
  Effect.map(now, (date) =>
    ProgramStep.line(`${date.toISOString().replace("T", " ").replace("Z", "")} UTC [${pid}] LOG:  ${text}`, "stderr")
  )

const starting = Effect.gen(function* () {
  return [
    ProgramStep.line(""),
    ProgramStep.line("PostgreSQL Database directory appears to contain a database; Skipping initialization"),
    ProgramStep.line(""),
    yield* said(1, "starting PostgreSQL 16.8 on x86_64-pc-linux-musl, 64-bit"),
    yield* said(1, 'listening on IPv4 address "0.0.0.0", port 5432'),
    yield* said(1, 'listening on Unix socket "/var/run/postgresql/.s.PGSQL.5432"'),
    yield* said(28, "database system was shut down cleanly"),
    yield* said(1, "database system is ready to accept connections")
  ]
})

/** A buffer takes a tenth of a second, as a checkpoint spreads its writes. */
const checkpoint = Effect.gen(function* () {
  yield* pause(18_000, 45_000)
  const buffers = yield* Random.nextIntBetween(8, 190)
  const share = ((buffers / 16_384) * 100).toFixed(1)
  const write = (buffers / 10).toFixed(3)
  const done = `checkpoint complete: wrote ${buffers} buffers (${share}%); 0 WAL file(s) added, 0 removed, 0 recycled; write=${write} s, sync=0.011 s, total=${write} s`
  return Stream.fromEffect(said(27, "checkpoint starting: time")).pipe(
    Stream.concat(Stream.fromEffect(Effect.zipRight(Effect.sleep(Duration.millis(buffers * 100)), said(27, done))))
  )
})

const checkpoints = Stream.forever(Stream.unwrap(checkpoint))

const slowStatements = (site: Site) =>
  forever(
    Effect.gen(function* () {
      const millis = yield* Queue.take(site.slowStatements)
      const pid = yield* Random.nextIntBetween(40, 49)
      const statement = "SELECT id, name, price FROM products WHERE search @@ plainto_tsquery($1) ORDER BY rank"
      return [yield* said(pid, `duration: ${millis}.${millis % 1000} ms  execute <unnamed>: ${statement}`)]
    })
  )

const stopping = Stream.concat(
  first(
    Effect.all([
      said(1, "received fast shutdown request"),
      said(1, "aborting any active transactions"),
      said(27, "shutting down")
    ])
  ),
  first(
    Effect.zipRight(
      pause(150, 400),
      Effect.map(said(1, "database system is shut down"), (line) => [line, ProgramStep.exit(0)])
    )
  )
)

/** What it runs. */
export const database = (site: Site): MemoryProgram => ({
  image,
  run: () => site.runs("database", Stream.concat(first(starting), Stream.merge(checkpoints, slowStatements(site)))),
  signals: { SIGINT: () => stopping, SIGTERM: () => stopping },
  usage: usage({ processor: 0.06, memory: 210e6, received: 24e3, sent: 57e3, read: 18e3, written: 46e3, wave: 53 })
})
