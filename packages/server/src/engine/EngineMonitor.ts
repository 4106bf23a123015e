/**
 * Monitors the engine: whether it is available, and what its containers do.
 *
 * @since 0.1.0
 */
import { Docker, type DockerShape } from "@dockwire/core/Docker"
import { Events, type WatchElement } from "@dockwire/core/Events"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberHandle from "effect/FiberHandle"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Hub } from "../rooms/Hub.js"
import type { EngineStatus } from "../Wire.js"
import { ContainerTracker } from "./ContainerTracker.js"
import { EngineAvailability } from "./EngineAvailability.js"
import type { KnownContainer } from "./KnownContainers.js"
import { pauseAfterDefect, reconnectSchedule } from "./reconnect.js"

/**
 * Options of `EngineMonitor.layerWith`.
 *
 * @since 0.1.0
 * @category models
 */
export interface EngineMonitorOptions {
  /** For a demo engine: the sentences about it in `engine_status`. */
  readonly demo?: string
}

/**
 * The service behind `EngineMonitor`.
 *
 * @since 0.1.0
 * @category models
 */
export interface EngineMonitorShape {
  /** The last known status of the engine. */
  readonly status: () => EngineStatus
  /** Completes when the engine is available. */
  readonly whenAvailable: Effect.Effect<void>
  /** Completes when the engine was found available or unavailable for the first time. */
  readonly whenChecked: Effect.Effect<void>
  /** Finds a container by name, full id, or unambiguous short id. Returns `undefined` if it is unknown: ask the engine then. */
  readonly find: (idOrName: string) => KnownContainer | undefined
  /** Calls a function with what happens to the engine and its containers, after the monitor has taken note of it. */
  readonly listen: (listener: (element: WatchElement) => void) => Effect.Effect<void, never, Scope.Scope>
  /** Tells every viewer that an action on a container failed. */
  readonly reportFailure: (idOrName: string, action: string, error: string) => void
}

const decodeVersion = Schema.decodeUnknownOption(Schema.Struct({ Version: Schema.String }))

/** How long the version may delay the report that the engine is available. */
const versionDelay = "1 second"

/** Reads the engine's version, over and over while the engine does not answer. `GET /version` */
const readVersion = (docker: DockerShape): Effect.Effect<string> =>
  docker.json({ method: "GET", path: "/version", timeout: "5 seconds" }).pipe(
    Effect.map(({ body }) =>
      Option.match(decodeVersion(body), { onNone: () => "unknown", onSome: (it) => it.Version })
    ),
    Effect.retry({ schedule: reconnectSchedule, while: (error) => error._tag === "EngineUnavailable" }),
    Effect.orElseSucceed(() => "unknown")
  )

const make = Effect.fnUntraced(function* ({ demo }: EngineMonitorOptions) {
  const docker = yield* Docker
  const events = yield* Events
  const hub = yield* Hub
  const containers = new ContainerTracker(hub)
  const engine = { endpoint: docker.endpoint, ...(demo === undefined ? {} : { demo }) }
  const availability = new EngineAvailability(engine, (status) => {
    hub.broadcast({ event: "engine_status", data: status })
  })
  const listeners = new Set<(element: WatchElement) => void>()
  const readingVersion = yield* FiberHandle.make<void>()

  // The engine is available as soon as the watch is connected. An engine that is slow to tell its version is available too.
  const onConnected = Effect.gen(function* () {
    const reading = yield* Effect.fork(readVersion(docker))
    const version = yield* Effect.timeoutOption(Fiber.join(reading), versionDelay)
    availability.setAvailable(Option.getOrUndefined(version))
    if (Option.isNone(version)) availability.setAvailable(yield* Fiber.join(reading))
  })
  const onDisconnected = (error: { readonly message: string }) =>
    Effect.map(FiberHandle.clear(readingVersion), () => availability.setUnavailable(error.message))

  const onElement = (element: WatchElement): Effect.Effect<unknown> => {
    switch (element._tag) {
      case "Resynced":
        return Effect.suspend(() => {
          containers.applyChanges(element.changes)
          return FiberHandle.run(readingVersion, onConnected)
        })
      case "ContainerEvent":
        return Effect.sync(() => containers.applyEvent(element))
      case "Disconnected":
        return onDisconnected(element.error)
      default:
        return Effect.void
    }
  }

  const tell = (element: WatchElement) =>
    Effect.sync(() => {
      for (const listener of listeners) listener(element)
    })

  const pause = pauseAfterDefect("Monitoring the engine ended unexpectedly. It starts again.")
  const watch = events.watch({ types: ["container"], snapshot: true }).pipe(
    Stream.runForEach((element) =>
      Effect.catchAllCause(Effect.zipRight(onElement(element), tell(element)), (cause) =>
        Effect.logError(`Processing "${element._tag}" of the engine's events died.`, cause)
      )
    ),
    // A watch outlives the engine. Should one end all the same, start over.
    Effect.catchAllCause((cause) => {
      const error = Cause.squash(cause)
      return Effect.zipRight(onDisconnected(error instanceof Error ? error : new Error(String(error))), pause(cause))
    }),
    Effect.forever
  )
  yield* Effect.forkScoped(watch)

  return {
    status: () => availability.status,
    whenAvailable: availability.whenAvailable,
    whenChecked: availability.whenChecked,
    listen: (listener) =>
      Effect.acquireRelease(
        Effect.sync(() => void listeners.add(listener)),
        () => Effect.sync(() => listeners.delete(listener))
      ),
    find: (idOrName: string) => (availability.status.available ? containers.find(idOrName) : undefined),
    reportFailure: (idOrName: string, action: string, error: string) =>
      containers.reportFailure(idOrName, action, error)
  } satisfies EngineMonitorShape
})

/**
 * Monitors the engine for as long as the layer lives, across outages of the engine. Broadcasts `engine_status` and
 * `container_status_change` to the viewers of the hub. After an outage, it broadcasts what has changed during it.
 *
 * @since 0.1.0
 * @category tags
 */
export class EngineMonitor extends Context.Tag("@dockwire/server/EngineMonitor")<EngineMonitor, EngineMonitorShape>() {
  /** Monitors the engine that `Docker` connects to. */
  static readonly layerWith = (
    options: EngineMonitorOptions
  ): Layer.Layer<EngineMonitor, never, Docker | Events | Hub> => Layer.scoped(EngineMonitor, make(options))

  /** Monitors the engine that `Docker` connects to, which is not a demo. */
  static readonly layer = EngineMonitor.layerWith({})
}
