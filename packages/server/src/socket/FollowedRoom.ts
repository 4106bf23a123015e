import type { FollowOptions, Logs } from "@dockwire/core/Logs"
import type * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as FiberHandle from "effect/FiberHandle"
import * as Scope from "effect/Scope"
import { randomBytes } from "node:crypto"
import type { Follower } from "../engine/ContainerFollower.js"
import type { FollowersShape } from "../engine/Followers.js"
import { HistoryReader } from "../engine/history/HistoryReader.js"
import { type HistoryRequest, historyStart } from "../engine/history/historyStart.js"
import { HistoryWriter } from "../engine/history/HistoryWriter.js"
import { containerHead } from "../rooms/events/containerEvents.js"
import type { HubShape } from "../rooms/Hub.js"
import type { Membership } from "../rooms/Membership.js"
import { logPositionOf, startPosition } from "../rooms/RoomPosition.js"
import type { Viewer } from "../rooms/Viewer.js"
import { containerLogsRoom } from "../Wire.js"
import type { ContainerRef } from "./ContainerResolver.js"
import { lastEvicted, sendGap, sendJoined } from "./roomReplies.js"

/** What a `FollowedRoom` works with. */
export interface FollowedRoomServices {
  readonly viewer: Viewer
  readonly hub: HubShape
  readonly followers: FollowersShape
  readonly logs: Context.Tag.Service<typeof Logs>
  /** Completes when the engine is available. */
  readonly whenAvailable: Effect.Effect<void>
}

/** A request to follow the container. */
interface FollowRequest {
  /** The room as the client named it. */
  readonly requestedRoom: string
  readonly history: HistoryRequest
  /** Why lines before the history are missing, if they are. */
  readonly gap?: string
}

/** How long `joined` waits for the engine's first batch, which shows whether lines are missing. */
const firstBatchTimeout = "1 second"

/** Lines read from the engine have no `seq`. A client that resumes with them gets a new epoch, as `seq` does not continue. */
const epochAfterHistory = (epoch: string): string => `${epoch}-${randomBytes(4).toString("hex")}`

/**
 * One client in the room of a container whose log it follows. Joins the room, sends the history that the client asked for, and
 * catches up from the engine when the room's ring overruns the client.
 */
export class FollowedRoom {
  readonly room: string

  private constructor(
    private readonly services: FollowedRoomServices,
    private container: ContainerRef,
    private readonly scope: Scope.CloseableScope,
    /** Reads history from the engine. */
    private readonly reading: FiberHandle.FiberHandle<void>,
    /** Runs an effect that joins the room again. It starts asynchronously: the room is being published to. */
    private readonly runCatchUp: (effect: Effect.Effect<void>) => void
  ) {
    this.room = containerLogsRoom(container.id)
  }

  /** Lives until it is closed or the surrounding scope is. */
  static readonly make = (
    services: FollowedRoomServices,
    container: ContainerRef
  ): Effect.Effect<FollowedRoom, never, Scope.Scope> =>
    Effect.gen(function* () {
      const scope = yield* Scope.fork(yield* Effect.scope, ExecutionStrategy.sequential)
      const [reading, run] = yield* Scope.extend(
        Effect.all([FiberHandle.make<void>(), FiberHandle.makeRuntime<never, never, void>()]),
        scope
      )
      return new FollowedRoom(services, container, scope, reading, (effect) => {
        run(effect, { immediate: false })
      })
    })

  /** Interrupts what is still being read for the room. */
  get close(): Effect.Effect<void> {
    return Scope.close(this.scope, Exit.void)
  }

  /** Joins the room, and sends the requested history unless the client follows the container already. */
  follow(name: string, requestedRoom: string, history: HistoryRequest): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { followers, hub, viewer } = this.services
      this.container = { id: this.container.id, name }
      if (!followers.watches(viewer, this.container.id)) return this.start(requestedRoom, history)
      const { position, ring } = hub.join(viewer, this.room, requestedRoom)
      sendJoined(viewer, ring, { requestedRoom, position, recovered: true })
      return Effect.void
    })
  }

  /**
   * The ring no longer has the next event for the client: continues with the engine's log, from where the client is. Returns
   * false if the client's position is not one in the engine's log.
   */
  catchUp(membership: Membership): boolean {
    if (logPositionOf(membership.position) === undefined) return false
    membership.suspended = true
    const { hub, viewer } = this.services
    this.runCatchUp(
      Effect.flatMap(viewer.whenWritable, () => {
        if (!viewer.has(membership)) return Effect.void
        const { position, requestedRoom } = membership
        hub.leave(viewer, this.room)
        return this.start(requestedRoom, { position })
      })
    )
    return true
  }

  private start(requestedRoom: string, history: HistoryRequest): Effect.Effect<void> {
    const from = history.position === undefined ? undefined : logPositionOf(history.position)
    if (from === undefined || from.containerId === this.container.id) return this.join({ requestedRoom, history })
    // The name belongs to another container now, of whose log the client has seen nothing.
    const oldId = from.containerId.slice(0, 12)
    const gap = `The container was recreated. What the old one (${oldId}) wrote after the requested position is missing.`
    return this.join({ requestedRoom, history: { since: "1" }, gap })
  }

  /** Joins the room before it reads history, so that no line falls in between. */
  private join(request: FollowRequest): Effect.Effect<void> {
    const { followers, hub, viewer } = this.services
    const { id, name } = this.container
    const { gap, history, requestedRoom } = request
    const position = history.position === undefined ? undefined : logPositionOf(history.position)
    return Effect.gen(this, function* () {
      const follower = yield* followers.watch(viewer, {
        containerId: id,
        name,
        tail: history.tail ?? 0,
        ...(position === undefined ? {} : { position })
      })
      const membership = hub.join(viewer, this.room, requestedRoom)
      membership.suspended = true
      if (!membership.hasDelivered) membership.position = history.position ?? startPosition
      // A follower that starts with just the requested tail delivers it as it loads.
      const isFollowersTail =
        history.position === undefined && history.since === undefined && history.tail === follower.tail
      if (!isFollowersTail) yield* follower.loaded
      if (!viewer.has(membership)) return
      const { ring } = membership
      const writer = new HistoryWriter(membership, containerHead(id, name))
      const start = historyStart(ring, follower, history)
      if (start._tag === "Engine") return yield* this.readHistory(request, follower, writer, start.options)
      const recovered = gap === undefined && start.recovered
      sendJoined(viewer, ring, { requestedRoom, position: ring.positionBefore(start.from), recovered })
      if (gap !== undefined) sendGap(viewer, this.room, { reason: gap })
      writer.resumeFromRing(start.from, history.position ?? ring.positionBefore(start.from))
    })
  }

  /** Sends `joined`, then history from the engine. Completes when `joined` is sent. */
  private readHistory(
    { gap, history, requestedRoom }: FollowRequest,
    follower: Follower,
    writer: HistoryWriter,
    options: FollowOptions
  ): Effect.Effect<void> {
    const { logs, viewer, whenAvailable } = this.services
    const { membership } = writer
    const { ring } = membership
    return Effect.gen(this, function* () {
      const startsWithGap = yield* Deferred.make<boolean>()
      const joined = yield* Effect.makeLatch(false)
      const onFirst = (gap: boolean) => Effect.andThen(Deferred.succeed(startsWithGap, gap), joined.await)
      const reader = new HistoryReader({ logs, follower, writer, onFirst, whenAvailable })
      const read = Effect.catchAll(reader.read(options), (error) =>
        Effect.map(onFirst(true), () => {
          const reason = `Older log lines can't be read: ${error.message}`
          sendGap(viewer, this.room, { to: lastEvicted(ring), reason })
          writer.resumeFromRing(ring.oldest, ring.positionBefore(ring.oldest))
        })
      )
      yield* FiberHandle.run(this.reading, read)
      // If nothing arrives in time, nothing is missing: the log has no new lines.
      const isIncomplete = yield* Effect.timeoutTo(Deferred.await(startsWithGap), {
        duration: firstBatchTimeout,
        onSuccess: (gap) => gap,
        onTimeout: () => false
      })
      if (!viewer.has(membership)) return
      const epoch = history.position === undefined ? ring.epoch : epochAfterHistory(ring.epoch)
      const position = history.position ?? startPosition
      sendJoined(viewer, ring, { requestedRoom, position, recovered: gap === undefined && !isIncomplete, epoch })
      if (gap !== undefined) sendGap(viewer, this.room, { reason: gap })
      yield* joined.open
    })
  }
}
