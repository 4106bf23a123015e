/** The state that the demo's containers share: which of them are running, and the queues between them. */
import type { ProgramStep } from "@dockwire/core/MemoryEngine"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"

/** The services of the shop. */
export type Service = "web" | "api" | "worker" | "database" | "cache" | "mailer"

/** A request that the web server has passed to the application, and its outcome. */
export interface SiteRequest {
  readonly method: string
  readonly path: string
  readonly id: string
  readonly status: number
  readonly millis: number
  /** Why it failed, if it did. */
  readonly fault?: "bug" | "database"
}

/** An order for the worker to process. */
export interface Order {
  readonly number: number
  /** In cents. */
  readonly total: number
}

/** The capacity of a queue; when it is full, its oldest element is dropped. */
const queueCapacity = 32

/** The shared state of the shop. */
export interface Site {
  readonly running: ReadonlySet<Service>
  readonly requests: Queue.Queue<SiteRequest>
  readonly orders: Queue.Queue<Order>
  readonly nextOrderNumber: Effect.Effect<number>
  /** Durations of slow database statements, in milliseconds. */
  readonly slowStatements: Queue.Queue<number>
  /** Marks a service as running while its steps run. */
  readonly track: (service: Service, steps: Stream.Stream<ProgramStep>) => Stream.Stream<ProgramStep>
}

/** Creates a site on which nothing is running yet. */
export const makeSite: Effect.Effect<Site> = Effect.gen(function* () {
  const running = new Set<Service>()
  let lastOrder = 10_412
  const track: Site["track"] = (service, steps) =>
    Stream.suspend(() => {
      running.add(service)
      return steps
    }).pipe(Stream.ensuring(Effect.sync(() => running.delete(service))))
  return {
    running,
    requests: yield* Queue.sliding<SiteRequest>(queueCapacity),
    orders: yield* Queue.sliding<Order>(queueCapacity),
    nextOrderNumber: Effect.sync(() => ++lastOrder),
    slowStatements: yield* Queue.sliding<number>(queueCapacity),
    track
  }
})

/** Subnets and addresses of the demo, which also appear in its logs. */
export const addresses = {
  front: "172.30.10.0/24",
  back: "172.30.20.0/24",
  api: "172.30.10.11",
  database: "172.30.20.10"
} as const
