import type { Containers } from "@dockwire/core/Containers"
import { Logs, type LogsError } from "@dockwire/core/Logs"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { EngineMonitor } from "../engine/EngineMonitor.js"
import { errorCode } from "../engine/errorCode.js"
import { Followers } from "../engine/Followers.js"
import { findLogEnd } from "../engine/history/findLogEnd.js"
import type { HistoryRequest } from "../engine/history/historyStart.js"
import { runWhenAvailable } from "../engine/reconnect.js"
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
import { type Denials, denialCodes, messageScopes } from "./messageScopes.js"
import { OffenceCounter } from "./OffenceCounter.js"
import { RoomRequests } from "./RoomRequests.js"
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

/** How many requests of a connection may wait for the engine's answer at the same time. */
const maxConcurrentRequests = 16

const internalError = (cause: Cause.Cause<never>, about: string) =>
  Effect.as(Effect.logError("Carrying out a client's message died.", cause), {
    code: "internal_error",
    message: "The server failed to carry out this message. Its log says why.",
    about
  })

/** A request to join the room of a container's log. */
interface ContainerRequest {
  /** The container as the client named it. */
  readonly idOrName: string
  /** The room as the client named it. */
  readonly requestedRoom: string
  readonly position: string | undefined
  readonly onFound: (container: ContainerRef) => Effect.Effect<void>
}

/** Carries out the messages of one client: those about one room in order, those about different rooms concurrently. */
export class Conversation {
  private readonly rateLimiter = new RateLimiter(messageBurst, messagesPerSecond, Date.now())
  private readonly offences = new OffenceCounter(maxOffences, 60_000)
  private readonly permits = Effect.unsafeMakeSemaphore(maxConcurrentRequests)
  /** The rooms of the containers that the client follows, by canonical name. */
  private readonly followedRooms = new Map<string, FollowedRoom>()
  /** Requests whose container is not known yet. */
  private readonly unresolved = new Set<number>()
  /** The rooms by whose requested name a request waits for the engine to come back. */
  private readonly waiting = new Set<string>()
  /** While there are unresolved requests: by canonical name, the latest request that came before the client left the room. */
  private readonly left = new Map<string, number>()

  private constructor(
    private readonly services: FollowedRoomServices,
    private readonly resolver: ContainerResolver,
    private readonly requests: RoomRequests,
    private readonly scope: Scope.Scope,
    private readonly denial: Denials
  ) {
    services.viewer.onOverrun = (membership) =>
      this.followedRooms.get(membership.ring.room)?.catchUp(membership) ?? false
  }

  /** A conversation that ends with the surrounding scope. `denial` says what the client may not do. */
  static readonly make = (
    viewer: Viewer,
    denial: Denials = () => undefined
  ): Effect.Effect<Conversation, never, Hub | Followers | EngineMonitor | Containers | Logs | Scope.Scope> =>
    Effect.gen(function* () {
      const { whenAvailable } = yield* EngineMonitor
      const services = { viewer, hub: yield* Hub, followers: yield* Followers, logs: yield* Logs, whenAvailable }
      const resolver = yield* ContainerResolver.make
      return new Conversation(services, resolver, yield* RoomRequests.make, yield* Effect.scope, denial)
    })

  /** Receives one text frame. Completes when the next one may be received: requests for containers are carried out later. */
  receive(frame: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (!this.rateLimiter.tryAcquire(Date.now())) return this.reject(tooFast)
      return Effect.matchEffect(decodeClientMessage(frame), {
        onFailure: (error) => this.reject(error),
        onSuccess: (message) => this.guard(this.dispatchIfAllowed(message), message.event)
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

  private dispatchIfAllowed(message: ClientMessage): Effect.Effect<void> {
    const denial = this.denial(messageScopes[message.event])
    if (denial === undefined) return this.dispatch(message)
    return this.reject({ code: denialCodes[denial._tag], message: denial.message, about: message.event })
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
      const onFound = (container: ContainerRef) => {
        if (position !== undefined) return this.follow(container, room, { position, tail: defaultTail })
        hub.setContainerName(container.id, container.name)
        const request = { containerId: container.id, requestedRoom: room }
        return joinContainerRoom(hub, viewer, request, findLogEnd(this.services.logs, container.id))
      }
      return this.withContainer({
        idOrName: room.slice(containerLogsPrefix.length),
        requestedRoom: room,
        position,
        onFound
      })
    })
  }

  /** Leaves a room. Requests to join it that are not yet carried out are dropped. */
  private leave(requestedRoom: string): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      const { followers, hub, viewer } = this.services
      const room = this.resolver.canonicalRoom(requestedRoom)
      if (this.unresolved.size > 0) this.left.set(room, this.requests.next())
      // The room may have been requested by another name of the container.
      const names = new Set([requestedRoom, room, viewer.membership(room)?.requestedRoom ?? room])
      yield* Effect.forEach(names, (name) => this.requests.cancel(name), { discard: true })
      hub.leave(viewer, room)
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
      const onFound = (container: ContainerRef) => {
        if (isRoomOf(container, requestedRoom, container_id)) return this.follow(container, requestedRoom, history)
        return this.reject({
          code: "room_mismatch",
          message:
            `The room ${JSON.stringify(requestedRoom)} does not belong to the container ${JSON.stringify(container_id)}. ` +
            `Omit "room", or set it to ${JSON.stringify(containerLogsRoom(container_id))}.`,
          about: container_id
        })
      }
      return this.withContainer({ idOrName: container_id, requestedRoom, position, onFound })
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

  /**
   * Starts to resolve a container and pass it on. If the engine is unavailable, the client is told at once, and the request
   * is carried out when the engine is back.
   */
  private withContainer(request: ContainerRequest): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { idOrName, requestedRoom } = request
      const number = this.requests.next()
      const known = this.resolver.known(idOrName)
      const room = known === undefined ? requestedRoom : containerLogsRoom(known.id)
      const carryOut = known === undefined ? this.resolve(number, request) : this.enter(number, known, request)
      this.unresolved.add(number)
      // Of several requests for the same room that wait for the engine, the latest wins.
      const cancel = this.waiting.has(requestedRoom) ? this.requests.cancel(requestedRoom) : Effect.void
      const start = this.requests.start(number, room, this.guard(carryOut, idOrName), () => this.resolved(number))
      return Effect.zipRight(cancel, start)
    })
  }

  private resolve(number: number, request: ContainerRequest): Effect.Effect<void> {
    const { idOrName, requestedRoom } = request
    const resolve = this.permits.withPermits(1)(this.resolver.resolve(idOrName))
    const whenAvailable = Effect.suspend(() => {
      this.waiting.add(requestedRoom)
      return Effect.ensuring(
        runWhenAvailable(resolve, this.services.whenAvailable),
        Effect.sync(() => this.waiting.delete(requestedRoom))
      )
    })
    return resolve.pipe(
      Effect.catchTag("EngineUnavailable", (error) =>
        Effect.suspend(() => {
          this.sendError(error, idOrName)
          return whenAvailable
        })
      ),
      Effect.matchEffect({
        onSuccess: (container) => this.enter(number, container, request),
        onFailure: (error) => this.joinRemoved(number, request, error)
      })
    )
  }

  /** Carries out a request for a container that is known now, unless the client left its room in the meantime. */
  private enter(number: number, container: ContainerRef, request: ContainerRequest): Effect.Effect<void> {
    const room = containerLogsRoom(container.id)
    const carryOut = Effect.suspend(() => {
      const isLeft = (this.left.get(room) ?? 0) > number
      this.resolved(number)
      return isLeft ? Effect.void : request.onFound(container)
    })
    return this.requests.inTurnOf(number, room, this.permits.withPermits(1)(carryOut))
  }

  /** If the container was removed, joins what is left of its room. */
  private joinRemoved(number: number, request: ContainerRequest, error: LogsError): Effect.Effect<void> {
    const { idOrName, position, requestedRoom } = request
    return Effect.suspend(() => {
      const { hub, viewer } = this.services
      const containerId = isFullId(idOrName)
        ? idOrName
        : position === undefined
          ? this.joinedContainer(requestedRoom)
          : logPositionOf(position)?.containerId
      if (error._tag !== "ContainerNotFound" || containerId === undefined) {
        return Effect.sync(() => this.sendError(error, idOrName))
      }
      const join = Effect.sync(() => {
        this.resolved(number)
        const removed = { containerId, requestedRoom, position }
        if (!joinRemovedContainer(hub, viewer, removed, error.message)) this.sendError(error, idOrName)
      })
      return this.requests.inTurnOf(number, containerLogsRoom(containerId), join)
    })
  }

  /** The id of the container in whose room the client is under this name. */
  private joinedContainer(requestedRoom: string): string | undefined {
    const room = this.resolver.canonicalRoom(requestedRoom)
    return this.services.viewer.membership(room) === undefined ? undefined : room.slice(containerLogsPrefix.length)
  }

  private resolved(number: number): void {
    this.unresolved.delete(number)
    if (this.unresolved.size === 0) this.left.clear()
  }

  private sendError(error: LogsError, about: string): void {
    this.services.viewer.send({
      event: "error",
      data: { code: errorCode(error._tag), message: error.message, about }
    })
  }

  /** Answers with an error if the effect dies: the connection, and what else it asked for, goes on. */
  private guard(effect: Effect.Effect<void>, about: string): Effect.Effect<void> {
    return Effect.catchAllCause(effect, (cause) =>
      Cause.isInterruptedOnly(cause)
        ? Effect.failCause(cause)
        : Effect.map(internalError(cause, about), (data) => this.services.viewer.send({ event: "error", data }))
    )
  }

  private withinRoomLimit(about: string, join: () => Effect.Effect<void>): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.services.viewer.roomCount + this.unresolved.size < maxRooms) return join()
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
