/** The demo's application: a line of text a request, with a coloured level, and a stack trace where it fails. */
import { type MemoryProgram, ProgramStep } from "@dockwire/core/MemoryEngine"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { happens, pause } from "./chance.js"
import { addresses, type Site, type SiteRequest } from "./site.js"
import { first, forever, now } from "./steps.js"
import { usage } from "./usage.js"

/** The image of the demo's application. */
export const image = "shop/api:2.4.1"

const colours = { INFO: 32, WARN: 33, ERROR: 31, DEBUG: 90 } as const

const said = (level: keyof typeof colours, text: string) =>
  Effect.map(now, (date) =>
    ProgramStep.line(
      `${date.toISOString()} \u001b[${colours[level]}m${level.padEnd(5)}\u001b[0m ${text}`,
      level === "ERROR" ? "stderr" : "stdout"
    )
  )

const traces = {
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

const handled = (site: Site, request: SiteRequest): Effect.Effect<ReadonlyArray<ProgramStep>> =>
  Effect.gen(function* () {
    const { fault, id, method, millis, path, status } = request
    const about = `${method} ${path} ${status} ${millis}ms req=${id}`
    if (fault !== undefined) {
      const trace = traces[fault].map((line) => ProgramStep.line(line, "stderr"))
      return [yield* said("ERROR", about), ...trace]
    }
    const done = yield* said("INFO", about)
    if (status === 201) {
      const number = yield* site.nextOrderNumber
      const total = yield* Random.nextIntBetween(890, 14_900)
      yield* Queue.offer(site.orders, { number, total })
      return [done, yield* said("INFO", `order ${number} placed, ${(total / 100).toFixed(2)} EUR req=${id}`)]
    }
    if (millis >= slowMillis) {
      yield* Queue.offer(site.slowStatements, millis)
      return [done, yield* said("WARN", `slow query: products.search took ${millis}ms req=${id}`)]
    }
    return method === "GET" && (yield* happens(0.25))
      ? [done, yield* said("DEBUG", `cache hit ${path} req=${id}`)]
      : [done]
  })

const starting = Effect.all([
  said("INFO", "shop-api 2.4.1 starting (node v22.14.0, NODE_ENV=production)"),
  said("INFO", `database: pool of 10 to ${addresses.database}:5432`),
  said("INFO", "cache: redis 7.4.2, 412 keys"),
  said("INFO", "listening on 0.0.0.0:3000")
])

const stopping = Stream.concat(
  first(Effect.all([said("INFO", "SIGTERM: no new connections, 2 to finish")])),
  first(
    Effect.zipRight(
      pause(300, 700),
      Effect.map(said("INFO", "bye"), (bye) => [bye, ProgramStep.exit(0)])
    )
  )
)

/** What it runs. */
export const api = (site: Site): MemoryProgram => {
  const turn = Effect.flatMap(Queue.take(site.requests), (request) => handled(site, request))
  // What was sent to an earlier run is nobody's any more.
  const forget = Stream.drain(Stream.fromEffect(Queue.takeAll(site.requests)))
  return {
    image,
    command: "node dist/main.js",
    run: () => site.runs("api", forget.pipe(Stream.concat(first(starting)), Stream.concat(forever(turn)))),
    signals: { SIGTERM: () => stopping },
    usage: usage({ processor: 0.11, memory: 148e6, received: 61e3, sent: 52e3, wave: 27 })
  }
}

const steps = [
  "0001_products.sql",
  "0002_customers.sql",
  "0003_orders.sql",
  "0004_order_states.sql",
  "0005_search_index.sql"
] as const

const migrated = Stream.mapEffect(Stream.fromIterable(steps), (step) =>
  Effect.zipRight(
    pause(120, 500),
    Effect.map(now, (date) => ProgramStep.line(`${date.toISOString()} ${step} ... ok`))
  )
)

/** What brings the database up to date, and ends. */
export const migration: MemoryProgram = {
  image,
  command: "node dist/migrate.js",
  run: () => Stream.concat(migrated, Stream.make(ProgramStep.line("5 migrations applied"), ProgramStep.exit(0)))
}
