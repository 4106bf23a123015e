/** The demo's worker: a line of JSON for each step of an order. */
import { type MemoryProgram, ProgramStep } from "@dockwire/core/MemoryEngine"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { happens, pause } from "./chance.js"
import type { Site } from "./site.js"
import { first, now } from "./steps.js"
import { usage } from "./usage.js"

/** The image of the demo's worker. */
export const image = "shop/worker:2.4.1"

const said = (level: "debug" | "info" | "warn" | "error", msg: string, more: Readonly<Record<string, unknown>> = {}) =>
  Effect.map(now, (date) =>
    ProgramStep.line(
      JSON.stringify({ time: date.toISOString(), level, msg, ...more }),
      level === "error" ? "stderr" : "stdout"
    )
  )

/** How long it waits for an order before it says that there is none. */
const idleTime = "20 seconds"

const carriedOut = (site: Site): Stream.Stream<ProgramStep> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const order = yield* Effect.timeoutOption(Queue.take(site.orders), idleTime)
      if (order._tag === "None") {
        return Stream.fromEffect(said("debug", "waiting for orders", { queued: yield* Queue.size(site.orders) }))
      }
      const { number, total } = order.value
      const begun = said("info", "order taken", { order: number, total: total / 100 })
      const after = (step: Effect.Effect<ProgramStep>) => Stream.fromEffect(Effect.zipRight(pause(150, 900), step))
      if (!site.running.has("database")) {
        const attempt = said("error", "database unreachable, order put back", { order: number, retry_in_s: 5 })
        const back = Effect.zipRight(Effect.sleep("5 seconds"), Queue.offer(site.orders, order.value))
        return Stream.fromEffect(begun).pipe(
          Stream.concat(after(attempt)),
          Stream.concat(Stream.drain(Stream.fromEffect(back)))
        )
      }
      const tries = (yield* happens(0.15)) ? 2 : 1
      const retried =
        tries === 1
          ? Stream.empty
          : Stream.fromEffect(
              Effect.zipRight(
                Effect.sleep("500 millis"),
                said("warn", "payment provider timed out", { order: number, attempt: 1, timeout_ms: 500 })
              )
            )
      const millis = yield* Random.nextIntBetween(90, 640)
      return Stream.fromEffect(begun).pipe(
        Stream.concat(retried),
        Stream.concat(after(said("info", "payment captured", { order: number, attempt: tries, ms: millis }))),
        Stream.concat(after(said("info", "stock reserved", { order: number, items: 1 + (number % 4) }))),
        Stream.concat(after(said("info", "order handed to shipping", { order: number, carrier: "example-post" })))
      )
    })
  )

const starting = Effect.all([
  said("info", "worker starting", { version: "2.4.1", concurrency: 1 }),
  said("info", "connected", { queue: "orders", broker: "redis://cache:6379/1" })
])

const stopping = first(
  Effect.map(said("info", "SIGTERM received, queue closed"), (closed) => [closed, ProgramStep.exit(0)])
)

/** What it runs. */
export const worker = (site: Site): MemoryProgram => ({
  image,
  run: () => site.runs("worker", Stream.concat(first(starting), Stream.forever(carriedOut(site)))),
  signals: { SIGTERM: () => stopping },
  usage: usage({ processor: 0.05, memory: 96e6, received: 7e3, sent: 9e3, wave: 41 })
})
