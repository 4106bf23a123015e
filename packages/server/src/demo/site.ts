/** What the containers of the demo know of each other: who runs, and what goes from one to the next. */
import type { ProgramStep } from "@dockwire/core/MemoryEngine"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"

/** The parts of the site. */
export type Part = "web" | "api" | "worker" | "database" | "cache" | "mailer"

/** A request that the web server has handed to the application. */
export interface SiteRequest {
  readonly method: string
  readonly path: string
  readonly id: string
  readonly status: number
  readonly millis: number
  /** Why it failed, where it did. */
  readonly fault?: "bug" | "database"
}

/** An order that the worker is to carry out. */
export interface Order {
  readonly number: number
  /** Cents. */
  readonly total: number
}

/** How much may wait for a part; what is older is dropped. */
const waiting = 32

/** A site whose parts run, or don't. */
export interface Site {
  readonly running: ReadonlySet<Part>
  readonly requests: Queue.Queue<SiteRequest>
  readonly orders: Queue.Queue<Order>
  readonly nextOrderNumber: Effect.Effect<number>
  /** Statements that took the database long, in milliseconds. */
  readonly slowStatements: Queue.Queue<number>
  /** The part counts as running as long as its steps go on. */
  readonly runs: (part: Part, steps: Stream.Stream<ProgramStep>) => Stream.Stream<ProgramStep>
}

/** A site of which nothing runs yet. */
export const makeSite: Effect.Effect<Site> = Effect.gen(function* () {
  const running = new Set<Part>()
  let lastOrder = 10_412
  const runs: Site["runs"] = (part, steps) =>
    Stream.suspend(() => {
      running.add(part)
      return steps
    }).pipe(Stream.ensuring(Effect.sync(() => running.delete(part))))
  return {
    running,
    requests: yield* Queue.sliding<SiteRequest>(waiting),
    orders: yield* Queue.sliding<Order>(waiting),
    nextOrderNumber: Effect.sync(() => ++lastOrder),
    slowStatements: yield* Queue.sliding<number>(waiting),
    runs
  }
})

/** The demo's addresses, as they stand in its networks and in its logs. */
export const addresses = {
  front: "172.30.10.0/24",
  back: "172.30.20.0/24",
  api: "172.30.10.11",
  database: "172.30.20.10"
} as const
