/** The demo's database, which logs to stderr in the format of PostgreSQL. */
import { type MemoryProgram, ProgramStep } from "@dockwire/core/MemoryEngine"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { sleepBetween } from "./chance.js"
import type { Site } from "./site.js"
import { runOnce, runForever, currentDate } from "./steps.js"
import { oscillatingUsage } from "./usage.js"

/** The image of the demo's database. */
export const image = "postgres:16-alpine"

const logLine = (pid: number, text: string) =>
  Effect.map(currentDate, (date) =>
    ProgramStep.line(`${date.toISOString().replace("T", " ").replace("Z", "")} UTC [${pid}] LOG:  ${text}`, "stderr")
  )

const startup = Effect.gen(function* () {
  return [
    ProgramStep.line(""),
    ProgramStep.line("PostgreSQL Database directory appears to contain a database; Skipping initialization"),
    ProgramStep.line(""),
    yield* logLine(1, "starting PostgreSQL 16.8 on x86_64-pc-linux-musl, 64-bit"),
    yield* logLine(1, 'listening on IPv4 address "0.0.0.0", port 5432'),
    yield* logLine(1, 'listening on Unix socket "/var/run/postgresql/.s.PGSQL.5432"'),
    yield* logLine(28, "database system was shut down cleanly"),
    yield* logLine(1, "database system is ready to accept connections")
  ]
})

/** Writes one buffer every 100 ms: PostgreSQL spreads the writes of a checkpoint. */
const checkpoint = Effect.gen(function* () {
  yield* sleepBetween(18_000, 45_000)
  const buffers = yield* Random.nextIntBetween(8, 190)
  const share = ((buffers / 16_384) * 100).toFixed(1)
  const write = (buffers / 10).toFixed(3)
  const done = `checkpoint complete: wrote ${buffers} buffers (${share}%); 0 WAL file(s) added, 0 removed, 0 recycled; write=${write} s, sync=0.011 s, total=${write} s`
  return Stream.fromEffect(logLine(27, "checkpoint starting: time")).pipe(
    Stream.concat(Stream.fromEffect(Effect.zipRight(Effect.sleep(Duration.millis(buffers * 100)), logLine(27, done))))
  )
})

const checkpoints = Stream.forever(Stream.unwrap(checkpoint))

const slowStatements = (site: Site) =>
  runForever(
    Effect.gen(function* () {
      const millis = yield* Queue.take(site.slowStatements)
      const pid = yield* Random.nextIntBetween(40, 49)
      const statement = "SELECT id, name, price FROM products WHERE search @@ plainto_tsquery($1) ORDER BY rank"
      return [yield* logLine(pid, `duration: ${millis}.${millis % 1000} ms  execute <unnamed>: ${statement}`)]
    })
  )

const shutdown = Stream.concat(
  runOnce(
    Effect.all([
      logLine(1, "received fast shutdown request"),
      logLine(1, "aborting any active transactions"),
      logLine(27, "shutting down")
    ])
  ),
  runOnce(
    Effect.zipRight(
      sleepBetween(150, 400),
      Effect.map(logLine(1, "database system is shut down"), (line) => [line, ProgramStep.exit(0)])
    )
  )
)

/** The program of the database. */
export const database = (site: Site): MemoryProgram => ({
  image,
  run: () => site.track("database", Stream.concat(runOnce(startup), Stream.merge(checkpoints, slowStatements(site)))),
  signals: { SIGINT: () => shutdown, SIGTERM: () => shutdown },
  usage: oscillatingUsage({
    cpu: 0.06,
    memory: 210e6,
    received: 24e3,
    sent: 57e3,
    read: 18e3,
    written: 46e3,
    period: 53
  })
})
