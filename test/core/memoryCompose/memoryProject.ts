import {
  type Compose,
  Containers,
  LogSink,
  LogSinkRecorder,
  MemoryCompose,
  type MemoryComposeOptions,
  MemoryEngine,
  type MemoryEngineOptions,
  Operation,
  RegistryAuth
} from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"

export type Services = Compose | Containers | LogSink | LogSinkRecorder | MemoryCompose | MemoryEngine | Scope.Scope

const image = { image: "busybox", command: ["sleep", "infinity"] }

/** A database, what prepares it, and a web server that needs both. */
export const shop: MemoryComposeOptions = {
  projects: {
    shop: {
      services: {
        web: {
          ...image,
          environment: { TOKEN: "hush" },
          dependsOn: { db: "service_healthy", init: "service_completed_successfully" }
        },
        init: { image: "busybox", command: ["true"], dependsOn: ["db"] },
        db: { ...image, healthyAfter: "3 seconds", mounts: [{ type: "volume", source: "data", target: "/data" }] },
        debug: { ...image, profiles: ["debug"] }
      },
      volumes: ["data"]
    }
  }
}

/** Runs a program with compose in memory, where time stands still unless the program advances it. */
export const withCompose = <A, E>(
  program: Effect.Effect<A, E, Services>,
  options: MemoryComposeOptions = shop,
  engine: MemoryEngineOptions = {}
): Promise<A> =>
  Effect.scoped(program).pipe(
    Effect.provide(
      Layer.mergeAll(MemoryCompose.layer(options), Containers.layer).pipe(
        Layer.provideMerge(MemoryEngine.layer(engine)),
        Layer.provide(RegistryAuth.layer()),
        Layer.merge(LogSink.layerTest)
      )
    ),
    Effect.provide(TestContext.TestContext),
    Effect.runPromise
  )

/** Ends a fiber, advancing time where it needs it. */
export const ended = <A, E>(fiber: Fiber.Fiber<A, E>): Effect.Effect<A, E> =>
  Effect.gen(function* () {
    yield* TestClock.adjust(0)
    if ((yield* Fiber.poll(fiber))._tag === "None") yield* TestClock.adjust("5 seconds")
    return (yield* Fiber.poll(fiber))._tag
  }).pipe(Effect.repeat({ until: (state) => state === "Some" }), Effect.zipRight(Fiber.join(fiber)))

/** Runs an operation to its end, advancing time where it needs it. */
export const ran = <A, E>(operation: Operation<A, E>): Effect.Effect<A, E, LogSink> =>
  Effect.flatMap(Effect.fork(Operation.run(operation)), ended)

/** The error of an operation. */
export const failureOf = <A, E>(operation: Operation<A, E>): Effect.Effect<E | "it succeeded", never, LogSink> =>
  Effect.map(
    Effect.either(ran(operation)),
    Either.match({ onLeft: (error) => error, onRight: () => "it succeeded" as const })
  )

/** What the events of all operations so far tell, as `container shop-web-1 Started`. */
export const told: Effect.Effect<ReadonlyArray<string>, never, LogSinkRecorder> = Effect.gen(function* () {
  const events = yield* (yield* LogSinkRecorder).events
  return events.flatMap((event) =>
    event._tag === "OperationProgress"
      ? [`${event.id} ${event.status}${event.current === undefined ? "" : ` ${event.current}`}`]
      : []
  )
})

/** The lines of all operations so far that are no progress. */
export const printed: Effect.Effect<ReadonlyArray<string>, never, LogSinkRecorder> = Effect.gen(function* () {
  const events = yield* (yield* LogSinkRecorder).events
  return events.flatMap((event) => (event._tag === "OperationLine" && event.item === undefined ? [event.text] : []))
})
