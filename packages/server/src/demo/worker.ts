/** The demo's worker, which logs a line of JSON for each step of an order. */
import { type MemoryProgram, ProgramStep } from "@dockwire/core/MemoryEngine"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { withProbability, sleepBetween } from "./chance.js"
import type { Site } from "./site.js"
import { runOnce, currentDate } from "./steps.js"
import { oscillatingUsage } from "./usage.js"

/** The image of the demo's worker. */
export const image = "shop/worker:2.4.1"

const logLine = (
  level: "debug" | "info" | "warn" | "error",
  msg: string,
  fields: Readonly<Record<string, unknown>> = {}
) =>
  Effect.map(currentDate, (date) =>
    ProgramStep.line(
      JSON.stringify({ time: date.toISOString(), level, msg, ...fields }),
      level === "error" ? "stderr" : "stdout"
    )
  )

/** After this time without an order, it logs that it is waiting. */
const idleTime = "20 seconds"

const processOrder = (site: Site): Stream.Stream<ProgramStep> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const order = yield* Effect.timeoutOption(Queue.take(site.orders), idleTime)
      if (order._tag === "None") {
        return Stream.fromEffect(logLine("debug", "waiting for orders", { queued: yield* Queue.size(site.orders) }))
      }
      const { number, total } = order.value
      const received = logLine("info", "order received", { order: number, total: total / 100 })
      const after = (step: Effect.Effect<ProgramStep>) =>
        Stream.fromEffect(Effect.zipRight(sleepBetween(150, 900), step))
      if (!site.running.has("database")) {
        const failure = logLine("error", "database unreachable, order requeued", { order: number, retry_in_s: 5 })
        const requeue = Effect.zipRight(Effect.sleep("5 seconds"), Queue.offer(site.orders, order.value))
        return Stream.fromEffect(received).pipe(
          Stream.concat(after(failure)),
          Stream.concat(Stream.drain(Stream.fromEffect(requeue)))
        )
      }
      const attempts = (yield* withProbability(0.15)) ? 2 : 1
      const timeout =
        attempts === 1
          ? Stream.empty
          : Stream.fromEffect(
              Effect.zipRight(
                Effect.sleep("500 millis"),
                logLine("warn", "payment provider timed out", { order: number, attempt: 1, timeout_ms: 500 })
              )
            )
      const millis = yield* Random.nextIntBetween(90, 640)
      return Stream.fromEffect(received).pipe(
        Stream.concat(timeout),
        Stream.concat(after(logLine("info", "payment captured", { order: number, attempt: attempts, ms: millis }))),
        Stream.concat(after(logLine("info", "stock reserved", { order: number, items: 1 + (number % 4) }))),
        Stream.concat(after(logLine("info", "order handed to shipping", { order: number, carrier: "example-post" })))
      )
    })
  )

const startup = Effect.all([
  logLine("info", "worker starting", { version: "2.4.1", concurrency: 1 }),
  logLine("info", "connected", { queue: "orders", broker: "redis://cache:6379/1" })
])

const shutdown = runOnce(
  Effect.map(logLine("info", "SIGTERM received, queue closed"), (closed) => [closed, ProgramStep.exit(0)])
)

/** The program of the worker. */
export const worker = (site: Site): MemoryProgram => ({
  image,
  run: () => site.track("worker", Stream.concat(runOnce(startup), Stream.forever(processOrder(site)))),
  signals: { SIGTERM: () => shutdown },
  usage: oscillatingUsage({ cpu: 0.05, memory: 96e6, received: 7e3, sent: 9e3, period: 41 })
})
