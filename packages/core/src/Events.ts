/**
 * The engine's events, as they happen and across outages.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Stream from "effect/Stream"
import { Docker } from "./Docker.js"
import type { DockerFailure, InvalidRequest } from "./DockerError.js"
import { engineEvents, type EventsOptions } from "./internal/watch/engineEvents.js"
import type { EngineEvent } from "./internal/watch/eventModel.js"
import { watchEngine, type WatchOptions } from "./internal/watch/engineWatch.js"
import type { WatchElement } from "./internal/watch/watchElement.js"

export type { EventsOptions } from "./internal/watch/engineEvents.js"
export { EngineEvent } from "./internal/watch/eventModel.js"
export type { WatchOptions } from "./internal/watch/engineWatch.js"
export {
  ContainerEvent,
  Disconnected,
  EngineChange,
  ImageEvent,
  NetworkEvent,
  Resynced,
  VolumeEvent,
  WatchedEvent,
  WatchedType,
  WatchElement
} from "./internal/watch/watchElement.js"

const make = Effect.map(Docker, (docker) => {
  const events: EventsShape = {
    stream: (options = {}) => engineEvents(docker, options),
    watch: (options = {}) => watchEngine(docker, options)
  }
  return events
})

/**
 * The service `Events`.
 *
 * @since 0.1.0
 * @category services
 */
export interface EventsShape {
  /**
   * The engine's events from now on. Ends at `until`, otherwise never: a lost connection fails with `EngineUnavailable`,
   * and a new subscription does not repeat what happened in between. `GET /events`
   */
  readonly stream: (options?: EventsOptions) => Stream.Stream<EngineEvent, InvalidRequest | DockerFailure>
  /**
   * The engine's events without end, across lost connections and restarts of the engine. An outage is reported as
   * `Disconnected`. When the engine is back, its objects are compared with those known before, and the differences are
   * reported as `Resynced`; events follow. A connection that is dead but was never closed is noticed as well. Fails only if
   * the engine can't be reached at first, and with `snapshot` not even then. Changes around an outage may be reported twice,
   * as event and as difference. `GET /events`, `GET /_ping`, and the lists
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
 *
 * @since 0.1.0
 * @category tags
 */
export class Events extends Context.Tag("@dockwire/core/Events")<Events, EventsShape>() {
  /** Reads the events of the engine that `Docker` connects to. */
  static readonly layer: Layer.Layer<Events, never, Docker> = Layer.effect(Events, make)
}
