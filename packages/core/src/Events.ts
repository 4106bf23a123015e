import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Stream from "effect/Stream"
import { Docker } from "./Docker.js"
import type { DockerFailure, InvalidRequest } from "./DockerError.js"
import { type EngineEvent, engineEvents, type EventsOptions } from "./internal/watch/engineEvents.js"
import { watchEngine, type WatchElement, type WatchOptions } from "./internal/watch/engineWatch.js"

export type { EngineEvent, EventsOptions } from "./internal/watch/engineEvents.js"
export type {
  Disconnected,
  EngineChange,
  Resynced,
  WatchedEvent,
  WatchedType,
  WatchElement,
  WatchOptions
} from "./internal/watch/engineWatch.js"

const make = Effect.gen(function* () {
  const docker = yield* Docker
  const events: EventsShape = {
    stream: (options = {}) => engineEvents(docker, options),
    watch: (options = {}) => watchEngine(docker, options)
  }
  return events
})

/** The shape of `Events`. */
export interface EventsShape {
  /**
   * What happens on the engine, as it happens. It ends at `until`, else never by itself: a lost connection is an
   * `EngineUnavailable`, and whoever subscribes again must look what has changed meanwhile. `GET /events`
   */
  readonly stream: (options?: EventsOptions) => Stream.Stream<EngineEvent, InvalidRequest | DockerFailure>
  /**
   * What happens on the engine, for ever: over lost connections and restarts of the engine. A break is said
   * (`Disconnected`); when the engine is there again it is looked through, and what changed is said too (`Resynced`). It
   * fails only where it can't begin. A change that was told right before a break may be told again behind it.
   * `GET /events`, and the lists
   */
  readonly watch: (options?: WatchOptions) => Stream.Stream<WatchElement, InvalidRequest | DockerFailure>
}

/**
 * The engine's events.
 *
 * @example
 * ```ts
 * import { Containers, Docker, Events } from "@dockwire/core"
 * import { Effect, Layer, Stream } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const events = yield* Events
 *   const since = new Date()
 *   yield* (yield* Containers).pause("web")
 *   yield* (yield* Containers).unpause("web")
 *   const seen = events.stream({ since, filters: { container: ["web"], event: ["pause", "unpause"] } })
 *   return Array.from(yield* Stream.runCollect(Stream.take(seen, 2)), ({ action }) => action)
 * })
 *
 * const live = Layer.merge(Containers.layer, Events.layer).pipe(Layer.provide(Docker.layerConfig))
 * console.log(await Effect.runPromise(program.pipe(Effect.provide(live))))
 * ```
 */
export class Events extends Context.Tag("@dockwire/core/Events")<Events, EventsShape>() {
  /** Events of the engine behind `Docker`. */
  static readonly layer: Layer.Layer<Events, never, Docker> = Layer.effect(Events, make)
}
