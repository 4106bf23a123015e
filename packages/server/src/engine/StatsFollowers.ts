/**
 * Follows the stats of containers for viewers: one engine stream for each container, however many viewers watch it.
 *
 * @since 0.1.0
 */
import { Stats } from "@dockwire/core/Stats"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Layer from "effect/Layer"
import { Hub } from "../rooms/Hub.js"
import type { Viewer } from "../rooms/Viewer.js"
import { containerStatsRoom } from "../Wire.js"
import { EngineMonitor } from "./EngineMonitor.js"
import { defaultLinger, type FollowersOptions } from "./Followers.js"
import { StatsFollower } from "./StatsFollower.js"

/**
 * The service behind `StatsFollowers`.
 *
 * @since 0.1.0
 * @category models
 */
export interface StatsFollowersShape {
  /**
   * Sends a viewer the container's readings, one each `interval` milliseconds or each second if that is longer, the last one at
   * once. A viewer that watches it already gets another interval. When the container is removed, the viewer leaves the room.
   */
  readonly watch: (viewer: Viewer, containerId: string, interval: number) => Effect.Effect<void>
  /** Removes a viewer from a container. */
  readonly unwatch: (viewer: Viewer, containerId: string) => Effect.Effect<void>
  /** Removes a viewer from all containers. */
  readonly unwatchAll: (viewer: Viewer) => Effect.Effect<void>
  /** The full ids of the containers that are being followed. */
  readonly following: () => ReadonlyArray<string>
}

const make = ({ linger }: FollowersOptions) =>
  Effect.gen(function* () {
    const hub = yield* Hub
    const stats = yield* Stats
    const { whenAvailable } = yield* EngineMonitor
    const followers = new Map<string, StatsFollower>()
    const fibers = yield* FiberMap.make<string, void>()
    /** Timers that stop followers without viewers. */
    const lingering = yield* FiberMap.make<string, void>()

    /** The follower has ended by itself: its viewers are in the room no longer. */
    const end = (containerId: string, follower: StatsFollower) =>
      Effect.sync(() => {
        if (followers.get(containerId) !== follower) return
        followers.delete(containerId)
        const room = containerStatsRoom(containerId)
        for (const viewer of follower.viewers) {
          const membership = hub.leave(viewer, room)
          viewer.send({ event: "left", room, data: { room: membership?.requestedRoom ?? room } })
        }
      })

    const watch = (viewer: Viewer, containerId: string, interval: number) =>
      Effect.gen(function* () {
        yield* FiberMap.remove(lingering, containerId)
        const existing = followers.get(containerId)
        if (existing !== undefined) return existing.add(viewer, interval)
        const follower = new StatsFollower({ stats, whenAvailable, containerId })
        followers.set(containerId, follower)
        follower.add(viewer, interval)
        yield* FiberMap.run(fibers, containerId, Effect.zipRight(follower.run(), end(containerId, follower)))
      }).pipe(Effect.uninterruptible)

    const stopIfUnwatched = (containerId: string, follower: StatsFollower) =>
      Effect.suspend(() => {
        if (follower.viewers.length > 0 || followers.get(containerId) !== follower) return Effect.void
        followers.delete(containerId)
        return FiberMap.remove(fibers, containerId)
      })

    const unwatch = (viewer: Viewer, containerId: string): Effect.Effect<void> =>
      Effect.suspend(() => {
        const follower = followers.get(containerId)
        if (follower?.remove(viewer) !== true || follower.viewers.length > 0) return Effect.void
        const stop = Effect.delay(stopIfUnwatched(containerId, follower), linger)
        return Effect.asVoid(FiberMap.run(lingering, containerId, stop))
      })

    return {
      watch,
      unwatch,
      unwatchAll: (viewer: Viewer) =>
        Effect.suspend(() => Effect.forEach([...followers.keys()], (id) => unwatch(viewer, id), { discard: true })),
      following: () => [...followers.keys()]
    } satisfies StatsFollowersShape
  })

/**
 * Follows the stats of containers for the viewers of a `Hub`.
 *
 * @since 0.1.0
 * @category tags
 */
export class StatsFollowers extends Context.Tag("@dockwire/server/StatsFollowers")<
  StatsFollowers,
  StatsFollowersShape
>() {
  /** With another `linger` than the default. */
  static readonly layerWith = (
    options: FollowersOptions
  ): Layer.Layer<StatsFollowers, never, Hub | Stats | EngineMonitor> => Layer.scoped(StatsFollowers, make(options))

  /** Keeps following for 10 seconds after a container's last viewer left. */
  static readonly layer: Layer.Layer<StatsFollowers, never, Hub | Stats | EngineMonitor> = StatsFollowers.layerWith({
    linger: defaultLinger
  })
}
