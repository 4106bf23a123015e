import type { Containers } from "@dockwire/core/Containers"
import { Logs, type LogsError } from "@dockwire/core/Logs"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { EngineMonitor } from "../engine/EngineMonitor.js"
import { errorCode } from "../engine/errorCode.js"
import { Followers } from "../engine/Followers.js"
import { findLogEnd } from "../engine/history/findLogEnd.js"
import type { HistoryRequest } from "../engine/history/historyStart.js"
import { Hub } from "../rooms/Hub.js"
import { logPositionOf } from "../rooms/RoomPosition.js"
import type { Viewer } from "../rooms/Viewer.js"
import {
  type ClientMessage,
  CloseCode,
  containerLogsPrefix,
  containerLogsRoom,
  containerStatsPrefix,
  defaultTail,
  type JoinMessage,
  type StreamContainerLogsMessage
} from "../Wire.js"
import { type ContainerRef, ContainerResolver } from "./ContainerResolver.js"
import { decodeClientMessage, type ProtocolError } from "./decodeClientMessage.js"
import { FollowedRoom, type FollowedRoomServices } from "./FollowedRoom.js"
import { joinContainerRoom, joinRemovedContainer, joinRoom } from "./joinRoom.js"
import { OffenceCounter } from "./OffenceCounter.js"
import { RateLimiter } from "./RateLimiter.js"

/** How many rooms a connection can be in. */
const maxRooms = 256
/** How many messages a client can send at once, and how many per second after that. */
const messageBurst = 500
const messagesPerSecond = 50
/** How many invalid messages within a minute close a connection. */
const maxOffences = 10

const tooFast: ProtocolError = {
  code: "too_fast",
  message: `Too many messages: the limit is ${messageBurst} at once and ${messagesPerSecond} per second. This one was ignored.`
}

const isFullId = (text: string): boolean => /^[0-9a-f]{64}$/.test(text)

/** Carries out the messages of one client. */
export class Conversation {
  private readonly rateLimiter = new RateLimiter(messageBurst, messagesPerSecond, Date.now())
  private readonly offences = new OffenceCounter(maxOffences, 60_000)
  /** The rooms of the containers that the client follows, by canonical name. */
  private readonly followedRooms = new Map<string, FollowedRoom>()

  private constructor(
    private readonly services: FollowedRoomServices,
    private readonly resolver: ContainerResolver,
    private readonly scope: Scope.Scope
  ) {
    services.viewer.onOverrun = (membership) =>
      this.followedRooms.get(membership.ring.room)?.catchUp(membership) ?? false
  }

  /** A conversation that ends with the surrounding scope. */
  static readonly make = (
    viewer: Viewer
  ): Effect.Effect<Conversation, never, Hub | Followers | EngineMonitor | Containers | Logs | Scope.Scope> =>
    Effect.gen(function* () {
      const { whenAvailable } = yield* EngineMonitor
      const services = { viewer, hub: yield* Hub, followers: yield* Followers, logs: yield* Logs, whenAvailable }
      return new Conversation(services, yield* ContainerResolver.make, yield* Effect.scope)
    })

  /** Carries out one text frame. Completes when the next one may be carried out. */
  receive(frame: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (!this.rateLimiter.tryAcquire(Date.now())) return this.reject(tooFast)
      return Effect.matchEffect(decodeClientMessage(frame), {
        onFailure: (error) => this.reject(error),
        onSuccess: (message) => this.dispatch(message)
      })
    })
  }

  /** Answers an invalid message with an `error`, and closes the connection if there were too many of them. */
  reject(error: ProtocolError): Effect.Effect<void> {
    return Effect.sync(() => {
      const { viewer } = this.services
      viewer.send({ event: "error", data: error })
      if (this.offences.add(Date.now())) viewer.close(CloseCode.notThisProtocol, "too many invalid messages")
    })
  }

  private dispatch(message: ClientMessage): Effect.Effect<void> {
    switch (message.event) {
      case "join":
        return this.join(message.data)
      case "leave":
        return this.leave(message.data.room)
      case "stream_container_logs":
        return this.streamLogs(message.data)
      case "stop_container_logs":
        return this.leave(message.data.room ?? containerLogsRoom(message.data.container_id))
      case "stream_container_stats":
      case "stop_container_stats":
        return this.notSupported(message.event)
    }
  }

  private join({ position, room }: JoinMessage["data"]): Effect.Effect<void> {
    return this.withinRoomLimit(room, () => {
      const { hub, viewer } = this.services
      if (room.startsWith(containerStatsPrefix)) return this.notSupported(room)
      if (!room.startsWith(containerLogsPrefix)) {
        return Effect.sync(() => joinRoom(hub, viewer, room, room, position))
      }
      return this.withContainer(room.slice(containerLogsPrefix.length), room, position, (container) => {
        if (position !== undefined) return this.follow(container, room, { position, tail: defaultTail })
        hub.setContainerName(container.id, container.name)
        const request = { containerId: container.id, requestedRoom: room }
        return joinContainerRoom(hub, viewer, request, findLogEnd(this.services.logs, container.id))
      })
    })
  }

  private leave(requestedRoom: string): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      const { followers, hub, viewer } = this.services
      yield* this.resolver.cancel(requestedRoom)
      const room = this.resolver.canonicalRoom(requestedRoom)
      const membership = hub.leave(viewer, room)
      // The room may have been joined by another name of the container.
      if (membership !== undefined) yield* this.resolver.cancel(membership.requestedRoom)
      const followed = this.followedRooms.get(room)
      this.followedRooms.delete(room)
      if (followed !== undefined) yield* followed.close
      if (room.startsWith(containerLogsPrefix)) {
        yield* followers.unwatch(viewer, room.slice(containerLogsPrefix.length))
      }
      viewer.send({ event: "left", room, data: { room: requestedRoom } })
    })
  }

  private streamLogs({
    container_id,
    position,
    room,
    since,
    tail
  }: StreamContainerLogsMessage["data"]): Effect.Effect<void> {
    return this.withinRoomLimit(container_id, () => {
      const requestedRoom = room ?? containerLogsRoom(container_id)
      const history: HistoryRequest = {
        position,
        since: since === undefined ? undefined : String(since),
        tail: tail ?? (since === undefined ? defaultTail : undefined)
      }
      return this.withContainer(container_id, requestedRoom, position, (container) => {
        if (isRoomOf(container, requestedRoom, container_id)) return this.follow(container, requestedRoom, history)
        return this.reject({
          code: "room_mismatch",
          message:
            `The room ${JSON.stringify(requestedRoom)} does not belong to the container ${JSON.stringify(container_id)}. ` +
            `Omit "room", or set it to ${JSON.stringify(containerLogsRoom(container_id))}.`,
          about: container_id
        })
      })
    })
  }

  private follow(container: ContainerRef, requestedRoom: string, history: HistoryRequest): Effect.Effect<void> {
    return Effect.flatMap(this.followedRoom(container), (room) => room.follow(container.name, requestedRoom, history))
  }

  private followedRoom(container: ContainerRef): Effect.Effect<FollowedRoom> {
    return Effect.suspend(() => {
      const existing = this.followedRooms.get(containerLogsRoom(container.id))
      if (existing !== undefined) return Effect.succeed(existing)
      return FollowedRoom.make(this.services, container).pipe(
        Scope.extend(this.scope),
        Effect.tap((room) => {
          this.followedRooms.set(room.room, room)
        })
      )
    })
  }

  /** Resolves a container and passes it on. If it was removed, joins what is left of its room. */
  private withContainer(
    idOrName: string,
    requestedRoom: string,
    position: string | undefined,
    onFound: (container: ContainerRef) => Effect.Effect<void>
  ): Effect.Effect<void> {
    const onError = (error: LogsError) =>
      Effect.sync(() => {
        const { hub, viewer } = this.services
        const removedId = isFullId(idOrName)
          ? idOrName
          : position === undefined
            ? undefined
            : logPositionOf(position)?.containerId
        if (error._tag === "ContainerNotFound" && removedId !== undefined) {
          const request = { containerId: removedId, requestedRoom, position }
          if (joinRemovedContainer(hub, viewer, request, error.message)) return
        }
        const data = { code: errorCode(error._tag), message: error.message, about: idOrName }
        viewer.send({ event: "error", data })
      })
    return this.resolver.request({ idOrName, requestedRoom, onFound, onError })
  }

  private withinRoomLimit(about: string, join: () => Effect.Effect<void>): Effect.Effect<void> {
    return Effect.flatMap(this.resolver.waitingCount, (waiting) => {
      if (this.services.viewer.roomCount + waiting < maxRooms) return join()
      const message = `A connection can be in at most ${maxRooms} rooms. Leave a room before you join another one.`
      return this.reject({ code: "too_many_rooms", message, about })
    })
  }

  private notSupported(about: string): Effect.Effect<void> {
    return Effect.sync(() => {
      const data = { code: "not_supported", message: "This server does not support container stats yet.", about }
      this.services.viewer.send({ event: "error", data })
    })
  }
}

/** Whether the room is that of the container, named by an id or a name of it. */
const isRoomOf = (container: ContainerRef, room: string, idOrName: string): boolean => {
  if (!room.startsWith(containerLogsPrefix)) return false
  const name = room.slice(containerLogsPrefix.length)
  return name === idOrName || name === container.name || (name.length >= 12 && container.id.startsWith(name))
}
