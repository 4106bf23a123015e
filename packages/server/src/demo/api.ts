/** The demo's application, which logs a line per request with a colored level, and a stack trace for a failed one. */
import { type MemoryProgram, ProgramStep } from "@dockwire/core/MemoryEngine"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { withProbability, sleepBetween } from "./chance.js"
import { addresses, type Site, type SiteRequest } from "./site.js"
import { runOnce, runForever, currentDate } from "./steps.js"
import { oscillatingUsage } from "./usage.js"

/** The image of the demo's application. */
export const image = "shop/api:2.4.1"

const levelColors = { INFO: 32, WARN: 33, ERROR: 31, DEBUG: 90 } as const

const logLine = (level: keyof typeof levelColors, text: string) =>
  Effect.map(currentDate, (date) =>
    ProgramStep.line(
      `${date.toISOString()} \u001b[${levelColors[level]}m${level.padEnd(5)}\u001b[0m ${text}`,
      level === "ERROR" ? "stderr" : "stdout"
    )
  )

const stackTraces = {
  bug: [
    "TypeError: Cannot read properties of undefined (reading 'price')",
    "    at priceOf (/app/dist/cart/totals.js:48:31)",
    "    at Array.reduce (<anonymous>)",
    "    at totalOf (/app/dist/cart/totals.js:41:18)",
    "    at updateCart (/app/dist/cart/routes.js:112:25)",
    "    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)",
    "    at async /app/dist/server/handle.js:77:20"
  ],
  database: [
    `Error: connect ECONNREFUSED ${addresses.database}:5432`,
    "    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1611:16)",
    "    at async connect (/app/node_modules/pg-pool/index.js:45:11)",
    "    at async query (/app/dist/database/pool.js:23:18)",
    "    at async /app/dist/server/handle.js:77:20"
  ]
} as const

const slowMillis = 900

const handleRequest = (site: Site, request: SiteRequest): Effect.Effect<ReadonlyArray<ProgramStep>> =>
  Effect.gen(function* () {
    const { fault, id, method, millis, path, status } = request
    const summary = `${method} ${path} ${status} ${millis}ms req=${id}`
    if (fault !== undefined) {
      const trace = stackTraces[fault].map((line) => ProgramStep.line(line, "stderr"))
      return [yield* logLine("ERROR", summary), ...trace]
    }
    const done = yield* logLine("INFO", summary)
    if (status === 201) {
      const number = yield* site.nextOrderNumber
      const total = yield* Random.nextIntBetween(890, 14_900)
      yield* Queue.offer(site.orders, { number, total })
      return [done, yield* logLine("INFO", `order ${number} placed, ${(total / 100).toFixed(2)} EUR req=${id}`)]
    }
    if (millis >= slowMillis) {
      yield* Queue.offer(site.slowStatements, millis)
      return [done, yield* logLine("WARN", `slow query: products.search took ${millis}ms req=${id}`)]
    }
    return method === "GET" && (yield* withProbability(0.25))
      ? [done, yield* logLine("DEBUG", `cache hit ${path} req=${id}`)]
      : [done]
  })

const startup = Effect.all([
  logLine("INFO", "shop-api 2.4.1 starting (node v22.14.0, NODE_ENV=production)"),
  logLine("INFO", `database: pool of 10 connections to ${addresses.database}:5432`),
  logLine("INFO", "cache: redis 7.4.2, 412 keys"),
  logLine("INFO", "listening on 0.0.0.0:3000")
])

const shutdown = Stream.concat(
  runOnce(Effect.all([logLine("INFO", "SIGTERM received, finishing 2 open requests")])),
  runOnce(
    Effect.zipRight(
      sleepBetween(300, 700),
      Effect.map(logLine("INFO", "bye"), (bye) => [bye, ProgramStep.exit(0)])
    )
  )
)

/** The program of the application. */
export const api = (site: Site): MemoryProgram => {
  const handleNext = Effect.flatMap(Queue.take(site.requests), (request) => handleRequest(site, request))
  // Requests to a previous run are lost.
  const discardRequests = Stream.drain(Stream.fromEffect(Queue.takeAll(site.requests)))
  return {
    image,
    command: "node dist/main.js",
    run: () =>
      site.track("api", discardRequests.pipe(Stream.concat(runOnce(startup)), Stream.concat(runForever(handleNext)))),
    signals: { SIGTERM: () => shutdown },
    usage: oscillatingUsage({ cpu: 0.11, memory: 148e6, received: 61e3, sent: 52e3, period: 27 })
  }
}

const migrations = [
  "0001_products.sql",
  "0002_customers.sql",
  "0003_orders.sql",
  "0004_order_states.sql",
  "0005_search_index.sql"
] as const

const runMigrations = Stream.mapEffect(Stream.fromIterable(migrations), (name) =>
  Effect.zipRight(
    sleepBetween(120, 500),
    Effect.map(currentDate, (date) => ProgramStep.line(`${date.toISOString()} ${name} ... ok`))
  )
)

/** The program that migrates the database and exits. */
export const migration: MemoryProgram = {
  image,
  command: "node dist/migrate.js",
  run: () => Stream.concat(runMigrations, Stream.make(ProgramStep.line("5 migrations applied"), ProgramStep.exit(0)))
}
