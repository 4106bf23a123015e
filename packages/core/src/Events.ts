import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Docker } from "./Docker.js"
import type { DockerFailure, InvalidRequest } from "./DockerError.js"
import { openEvents } from "./internal/engineEvents.js"
import { watchEngine } from "./internal/engineWatch.js"

/** Something that happened on the engine. */
export interface EngineEvent {
  /** `container`, `image`, `volume`, `network`, ... */
  readonly type: string
  /** `start`, `die`, `destroy`, ...; some carry more behind a colon: `health_status: healthy`. */
  readonly action: string
  /** The id of what it happened to; a name for images and volumes. */
  readonly id: string
  /** The engine's own attributes: name, image, exitCode, labels, ... */
  readonly attributes: Readonly<Record<string, string>>
  /** Nanoseconds since the epoch, by the engine's clock. */
  readonly timeNano: bigint
}

/** Which events. */
export interface EventsOptions {
  /** Also those since this moment which the engine still remembers (256 at most, none over a restart of the engine). */
  readonly since?: string | Date
  /** Ends at this moment. Without `since` all that the engine remembers comes before. */
  readonly until?: string | Date
  /** The engine's filters: `{ type: ["container"], event: ["start", "die"] }`. */
  readonly filters?: Readonly<Record<string, ReadonlyArray<string>>>
}

/** What a watch looks after. */
export type WatchedType = "container" | "image" | "volume" | "network"

/** What to watch. */
export interface WatchOptions {
  /** All four when not given. */
  readonly types?: ReadonlyArray<WatchedType>
}

/** Something that happened, by what it happened to. `event` is the engine's own. */
export type WatchedEvent =
  | {
      readonly _tag: "ContainerEvent"
      readonly action: string
      readonly containerId: string
      readonly name: string
      readonly image: string
      readonly event: EngineEvent
    }
  | { readonly _tag: "ImageEvent"; readonly action: string; readonly image: string; readonly event: EngineEvent }
  | { readonly _tag: "VolumeEvent"; readonly action: string; readonly volume: string; readonly event: EngineEvent }
  | {
      readonly _tag: "NetworkEvent"
      readonly action: string
      readonly networkId: string
      readonly name: string
      /** The container that was connected or disconnected. */
      readonly containerId?: string
      readonly event: EngineEvent
    }

/** In what the engine differs from what was known of it before a break; what came and went in between leaves no trace. */
export interface EngineChange {
  readonly type: WatchedType
  /** The id; of volumes the name. */
  readonly id: string
  /** Of an image its tags, with commas between. */
  readonly name: string
  readonly change: "added" | "removed" | "changed"
  /** `running`, `exited`, ... of a container, with its health behind a comma where there is one. */
  readonly before?: string
  readonly after?: string
  /** The container runs, and not since before the break. */
  readonly restarted?: boolean
}

/** The connection to the engine was lost: what happens from here on is not seen. */
export interface Disconnected {
  readonly _tag: "Disconnected"
  readonly error: DockerFailure
}

/** The connection is there again, and this is what changed meanwhile; events follow from here on. */
export interface Resynced {
  readonly _tag: "Resynced"
  readonly changes: ReadonlyArray<EngineChange>
}

/** What a watch gives. */
export type WatchElement = WatchedEvent | Disconnected | Resynced

const make = Effect.gen(function* () {
  const docker = yield* Docker
  const events: EventsShape = {
    stream: (options = {}) => Stream.unwrapScoped(openEvents(docker, options)),
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

/** The engine's events. */
export class Events extends Context.Tag("@dockwire/core/Events")<Events, EventsShape>() {
  /** Events of the engine behind `Docker`. */
  static readonly layer: Layer.Layer<Events, never, Docker> = Layer.effect(Events, make)
}
