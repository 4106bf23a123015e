import type { FollowElement, Logs } from "@dockwire/core/Logs"
import type * as Context from "effect/Context"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Follower } from "../../engine/ContainerFollower.js"
import type { FollowersShape } from "../../engine/Followers.js"
import { HistoryReader } from "../../engine/history/HistoryReader.js"
import { isLogEmpty } from "../../engine/history/findLogEnd.js"
import { type EngineStart, type HistoryRequest, historyStart } from "../../engine/history/historyStart.js"
import { HistoryWriter } from "../../engine/history/HistoryWriter.js"
import { containerHead } from "../../rooms/events/containerEvents.js"
import type { HubShape } from "../../rooms/Hub.js"
import type { Membership } from "../../rooms/Membership.js"
import { logStart, positionBeforeFirst } from "../../rooms/logPositionKeys.js"
import {
  formatPosition,
  type HistoryRange,
  historyPosition,
  logPositionOf,
  parsePosition,
  requestPosition
} from "../../rooms/RoomPosition.js"
import type { Viewer } from "../../rooms/Viewer.js"
import { containerLogsRoom } from "../../Wire.js"
import type { ContainerRef } from "../ContainerResolver.js"
import type { RunFork } from "../OneFiber.js"
import { RoomReading } from "./RoomReading.js"
import { epochAfterHistory, lastEvicted, sendGap, sendJoined } from "./roomReplies.js"

/** What a `FollowedRoom` works with. */
export interface FollowedRoomServices {
  readonly viewer: Viewer
  readonly hub: HubShape
  readonly followers: FollowersShape
  readonly logs: Context.Tag.Service<typeof Logs>
  /** Completes when the engine is available. */
  readonly whenAvailable: Effect.Effect<void>
  /** Runs what is read for the client. */
  readonly runFork: RunFork
}

/** A request to follow the container. */
interface FollowRequest {
  /** The room as the client named it. */
  readonly requestedRoom: string
  readonly history: HistoryRequest
  /** Why lines before the history are missing, if they are. */
  readonly gap?: string
}

/** The position in front of what a client gets, and whether lines before it are missing. */
interface FirstPosition {
  readonly isIncomplete: boolean
  readonly position: string
}

/** How long `joined` waits for the engine's first batch, which shows whether lines are missing. */
const firstBatchTimeout = "1 second"
/** How long it then waits for the first line of a log that is not empty. */
const firstLineTimeout = "2 seconds"

const incompleteHistory =
  "The connection was lost while older lines were being sent. Those that had not arrived are missing."

/**
 * One client in the room of a container whose log it follows. Joins the room, sends the history that the client asked for, and
 * catches up from the engine when the room's ring overruns the client.
 */
export class FollowedRoom {
  readonly room: string
  private membership: Membership | undefined

  /** Reads history from the engine. */
  private readonly reading: RoomReading

  /** Lives until it is closed. */
  constructor(
    private readonly services: FollowedRoomServices,
    private container: ContainerRef
  ) {
    this.room = containerLogsRoom(container.id)
    this.reading = new RoomReading(services.hub, services.runFork)
  }

  /** Interrupts what is still being read for the room. */
  get close(): Effect.Effect<void> {
    return this.reading.close
  }

  /** Joins the room, and sends the requested history unless the client follows the container already. */
  follow(name: string, requestedRoom: string, history: HistoryRequest): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { followers, viewer } = this.services
      const { membership } = this
      const { id } = this.container
      this.container = { id, name }
      if (membership === undefined || !viewer.has(membership)) return this.start(requestedRoom, history)
      membership.requestedRoom = requestedRoom
      const { position, ring } = membership
      sendJoined(viewer, ring, { requestedRoom, position, recovered: true })
      // The follower may have ended in the meantime. What is still being read for the client is not affected.
      return Effect.asVoid(followers.watch(viewer, { containerId: id, name, tail: 0 }))
    })
  }

  /**
   * The ring no longer has the next event for the client: continues with the engine's log, from where the client is. Returns
   * false if the client's position is not one in the engine's log.
   */
  catchUp(membership: Membership): boolean {
    if (logPositionOf(membership.position) === undefined) return false
    this.reading.rejoin(membership, (requestedRoom, position) => this.start(requestedRoom, { position }))
    return true
  }

  private start(requestedRoom: string, history: HistoryRequest): Effect.Effect<void> {
    const from = history.position === undefined ? undefined : logPositionOf(history.position)
    if (from === undefined || from.containerId === this.container.id) {
      const isIncomplete = history.position !== undefined && parsePosition(history.position)?.incomplete === true
      return this.join({ requestedRoom, history, ...(isIncomplete ? { gap: incompleteHistory } : {}) })
    }
    // The name belongs to another container now, of whose log the client has seen nothing.
    const oldId = from.containerId.slice(0, 12)
    const gap = `The container was recreated. What the old one (${oldId}) wrote after the requested position is missing.`
    return this.join({ requestedRoom, history: { since: "1" }, gap })
  }

  /** Joins the room before it reads history, so that no line falls in between. */
  private join(request: FollowRequest): Effect.Effect<void> {
    const { followers, hub, viewer } = this.services
    const { id, name } = this.container
    const { history, requestedRoom } = request
    const from = history.position === undefined ? undefined : logPositionOf(history.position)
    const range = history.position === undefined ? history : (parsePosition(history.position)?.request ?? history)
    return Effect.gen(this, function* () {
      const follower = yield* followers.watch(viewer, {
        containerId: id,
        name,
        tail: range.tail ?? 0,
        ...(from === undefined ? {} : { position: from })
      })
      const membership = hub.join(viewer, this.room, requestedRoom)
      this.membership = membership
      membership.suspended = true
      const requestedPosition = history.position ?? requestPosition(rangeOf(history))
      if (!membership.hasDelivered) membership.position = requestedPosition
      // A follower that starts with just the requested tail delivers it as it loads.
      const isFollowersTail =
        history.position === undefined && history.since === undefined && history.tail === follower.tail
      yield* isFollowersTail ? follower.started : follower.loaded
      if (!viewer.has(membership)) return
      const { ring } = membership
      const writer = new HistoryWriter(membership, containerHead(id, name))
      const start = historyStart(ring, follower, history)
      const gap = request.gap ?? start.gap
      if (start._tag === "Engine") {
        const withGap = gap === undefined ? request : { ...request, gap }
        return yield* this.readHistory(withGap, follower, writer, start.options)
      }
      const recovered = gap === undefined && start.recovered
      const position =
        ring.logBefore(start.from) === undefined
          ? formatPosition({ epoch: ring.epoch, seq: start.from - 1, request: rangeOf(history) })
          : ring.positionBefore(start.from)
      sendJoined(viewer, ring, { requestedRoom, position, recovered })
      if (gap !== undefined) sendGap(viewer, this.room, { reason: gap })
      writer.resumeFromRing(start.from, position)
    })
  }

  /** Sends `joined`, then history from the engine. Completes when `joined` is sent. */
  private readHistory(
    { gap, history, requestedRoom }: FollowRequest,
    follower: Follower,
    writer: HistoryWriter,
    options: EngineStart
  ): Effect.Effect<void> {
    const { logs, viewer, whenAvailable } = this.services
    const { membership } = writer
    const { ring } = membership
    return Effect.gen(this, function* () {
      const firstElement = yield* Deferred.make<FollowElement | undefined>()
      const joined = yield* Effect.makeLatch(false)
      const onFirst = (first: FollowElement | undefined) =>
        Effect.andThen(Deferred.succeed(firstElement, first), joined.await)
      const reader = new HistoryReader({ logs, follower, writer, onFirst, whenAvailable })
      const read = Effect.catchAll(reader.read(options), (error) =>
        Effect.map(onFirst(undefined), () => {
          const reason = `Older log lines can't be read: ${error.message}`
          sendGap(viewer, this.room, { to: lastEvicted(ring), reason })
          writer.resumeFromRing(ring.oldest, ring.positionBefore(ring.oldest))
        })
      )
      yield* this.reading.start(this.surviveDefects(read, onFirst(undefined), writer))
      const { isIncomplete, position } = yield* this.firstPosition(Deferred.await(firstElement), options)
      if (!viewer.has(membership)) return
      if (!membership.hasDelivered) membership.position = position
      const epoch = history.position === undefined ? ring.epoch : epochAfterHistory(ring.epoch)
      sendJoined(viewer, ring, { requestedRoom, position, recovered: gap === undefined && !isIncomplete, epoch })
      if (gap !== undefined) sendGap(viewer, this.room, { reason: gap })
      yield* joined.open
    })
  }

  /** If reading history dies, continues without the rest of it. */
  private surviveDefects(
    read: Effect.Effect<void>,
    whenJoined: Effect.Effect<void>,
    writer: HistoryWriter
  ): Effect.Effect<void> {
    const { ring, viewer } = writer.membership
    return Effect.catchAllDefect(read, (defect) =>
      Effect.logError(`Reading the history of container ${this.container.id} died.`, Cause.die(defect)).pipe(
        Effect.andThen(whenJoined),
        Effect.map(() => {
          const reason = "Older log lines can't be read: the server failed to read them. Its log says why."
          sendGap(viewer, this.room, { to: lastEvicted(ring), reason })
          writer.resumeFromRing(ring.oldest, ring.positionBefore(ring.oldest))
        })
      )
    )
  }

  /** The position in front of the history that is read from the engine, and whether lines before it are missing. */
  private firstPosition(
    first: Effect.Effect<FollowElement | undefined>,
    { position, ...range }: EngineStart
  ): Effect.Effect<FirstPosition> {
    const requested = position === undefined ? requestPosition(range) : historyPosition(position)
    const unknown = { isIncomplete: false, position: requested }
    const known = Effect.map(first, (element) => {
      if (element === undefined) return { isIncomplete: true, position: requested }
      const isGap = element._tag === "LogMark" && element.mark === "gap"
      return {
        isIncomplete: isGap,
        position: position !== undefined ? requested : historyPosition(positionBeforeFirst(element))
      }
    })
    // Nothing is missing from a log that has no new lines. Where the last lines begin is known once there is one.
    const late =
      position !== undefined || range.tail === undefined || range.since !== undefined
        ? Effect.succeed(unknown)
        : Effect.raceFirst(known, this.empty(unknown))
    return Effect.flatMap(
      Effect.timeoutOption(known, firstBatchTimeout),
      Option.match({ onNone: () => late, onSome: Effect.succeed })
    )
  }

  /** Completes at once if the log is empty, else after `firstLineTimeout` with `otherwise`. */
  private empty(otherwise: FirstPosition): Effect.Effect<FirstPosition> {
    const { id } = this.container
    return Effect.flatMap(
      Effect.orElseSucceed(isLogEmpty(this.services.logs, id), () => false),
      (isEmpty) =>
        isEmpty
          ? Effect.succeed({ isIncomplete: false, position: historyPosition(logStart(id)) })
          : Effect.delay(Effect.succeed(otherwise), firstLineTimeout)
    )
  }
}

const rangeOf = ({ since, tail }: HistoryRequest): HistoryRange => ({
  ...(tail === undefined ? {} : { tail }),
  ...(since === undefined ? {} : { since })
})
