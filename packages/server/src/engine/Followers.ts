/**
 * Follows containers for the viewers of a hub: one engine stream for each container, however many viewers watch it.
 *
 * @since 0.1.0
 */
import type { LogPosition } from "@dockwire/core/LogPosition"
import { Logs } from "@dockwire/core/Logs"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberMap from "effect/FiberMap"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Hub } from "../rooms/Hub.js"
import type { Viewer } from "../rooms/Viewer.js"
import { containerLogsRoom, defaultTail } from "../Wire.js"
import { ContainerFollower, type Follower } from "./ContainerFollower.js"
import { EngineMonitor } from "./EngineMonitor.js"

/**
 * The container to watch, and where its follower starts if there is none yet.
 *
 * @since 0.1.0
 * @category models
 */
export interface FollowFrom {
  /** Full id. */
  readonly containerId: string
  readonly name: string
  /** The number of last lines that the viewer asked for. */
  readonly tail: number
  /** The position that the viewer resumes from; overrides `tail`. */
  readonly position?: LogPosition
}

/**
 * Options of `Followers.layerWith`.
 *
 * @since 0.1.0
 * @category models
 */
export interface FollowersOptions {
  /** How long a container is still followed after its last viewer left. Default: 10 seconds. */
  readonly linger: Duration.DurationInput
}

/**
 * The service behind `Followers`.
 *
 * @since 0.1.0
 * @category models
 */
export interface FollowersShape {
  /** Registers a viewer that watches a container. Starts to follow the container if nobody else watches it. */
  readonly watch: (viewer: Viewer, from: FollowFrom) => Effect.Effect<Follower>
  /** Removes a viewer from a container. */
  readonly unwatch: (viewer: Viewer, containerId: string) => Effect.Effect<void>
  /** Whether the viewer watches the container. */
  readonly watches: (viewer: Viewer, containerId: string) => boolean
  /** Removes a viewer from all containers. */
  readonly unwatchAll: (viewer: Viewer) => Effect.Effect<void>
  /** The full ids of the containers that are being followed. */
  readonly following: () => ReadonlyArray<string>
}

/** How long a container is still followed after its last viewer left, by default. */
export const defaultLinger = Duration.seconds(10)

/** A follower that starts with a tail always loads at least `defaultTail` lines, and at most so many. */
const maxTail = 5_000

const make = (options: FollowersOptions) =>
  Effect.gen(function* () {
    const hub = yield* Hub
    const logs = yield* Logs
    const { whenAvailable } = yield* EngineMonitor
    const followers = new Map<string, ContainerFollower>()
    const fibers = yield* FiberMap.make<string, void>()
    /** Timers that stop followers without viewers. */
    const lingering = yield* FiberMap.make<string, void>()

    const create = ({ containerId, name, position: from, tail: requested }: FollowFrom): ContainerFollower => {
      const room = containerLogsRoom(containerId)
      // If the room still has lines, continue after them.
      const position = hub.findRing(room)?.logPosition ?? from
      const tail = position === undefined ? Math.min(maxTail, Math.max(defaultTail, requested)) : 0
      const follower = new ContainerFollower({ hub, logs, whenAvailable, containerId, tail, position })
      hub.setContainerName(containerId, name)
      hub.claim(room)
      if (position !== undefined) hub.ring(room).startAt(position)
      followers.set(containerId, follower)
      return follower
    }

    const remove = (follower: ContainerFollower): void => {
      if (!follower.close()) return
      followers.delete(follower.containerId)
      hub.unclaim(follower.room)
    }

    const watch = (viewer: Viewer, from: FollowFrom) =>
      Effect.gen(function* () {
        const existing = followers.get(from.containerId)
        const follower = existing ?? create(from)
        follower.viewers.add(viewer)
        if (existing === undefined) {
          const run = Effect.ensuring(
            follower.run(),
            Effect.sync(() => remove(follower))
          )
          yield* FiberMap.run(fibers, from.containerId, run)
        }
        yield* FiberMap.remove(lingering, from.containerId)
        return follower
      }).pipe(Effect.uninterruptible)

    const stopIfUnwatched = (follower: ContainerFollower) =>
      Effect.suspend(() => {
        if (follower.viewers.size > 0 || followers.get(follower.containerId) !== follower) return Effect.void
        const fiber = FiberMap.unsafeGet(fibers, follower.containerId)
        // Before the interruption, so that a viewer that arrives in the meantime gets a new follower.
        remove(follower)
        return Option.match(fiber, { onNone: () => Effect.void, onSome: Fiber.interruptFork })
      })

    const unwatch = (viewer: Viewer, containerId: string): Effect.Effect<void> =>
      Effect.suspend(() => {
        const follower = followers.get(containerId)
        if (follower === undefined || !follower.viewers.delete(viewer) || follower.viewers.size > 0) return Effect.void
        const stop = Effect.delay(stopIfUnwatched(follower), options.linger)
        return Effect.asVoid(FiberMap.run(lingering, containerId, stop))
      })

    return {
      watch,
      unwatch,
      watches: (viewer: Viewer, containerId: string) => followers.get(containerId)?.viewers.has(viewer) ?? false,
      unwatchAll: (viewer: Viewer) =>
        Effect.suspend(() => Effect.forEach([...followers.keys()], (id) => unwatch(viewer, id), { discard: true })),
      following: () => [...followers.keys()]
    } satisfies FollowersShape
  })

/**
 * Follows containers for the viewers of a `Hub`.
 *
 * @since 0.1.0
 * @category tags
 */
export class Followers extends Context.Tag("@dockwire/server/Followers")<Followers, FollowersShape>() {
  /** Followers with another `linger` than the default. */
  static readonly layerWith = (options: FollowersOptions): Layer.Layer<Followers, never, Hub | Logs | EngineMonitor> =>
    Layer.scoped(Followers, make(options))

  /** Followers that keep following for 10 seconds after a container's last viewer left. */
  static readonly layer: Layer.Layer<Followers, never, Hub | Logs | EngineMonitor> = Followers.layerWith({
    linger: defaultLinger
  })
}
