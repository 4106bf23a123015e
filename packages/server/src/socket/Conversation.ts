import type { Containers } from "@dockwire/core/Containers"
import { Logs, type LogsError } from "@dockwire/core/Logs"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"
import { EngineMonitor } from "../engine/EngineMonitor.js"
import { errorCode } from "../engine/errorCode.js"
import { Followers } from "../engine/Followers.js"
import { findLogEnd } from "../engine/history/findLogEnd.js"
import type { HistoryRequest } from "../engine/history/historyStart.js"
import { StatsFollowers, type StatsFollowersShape } from "../engine/StatsFollowers.js"
import { Hub } from "../rooms/Hub.js"
import { OperationHistory, type OperationHistoryShape } from "../rooms/OperationHistory.js"
import { containerOf } from "../rooms/RoomPosition.js"
import type { Viewer } from "../rooms/Viewer.js"
import { findKeptContainer, type KeptContainer } from "../store/find/keptContainer.js"
import { LogStore, type LogStoreShape } from "../store/LogStore.js"
import {
  type ClientMessage,
  CloseCode,
  containerLogsPrefix,
  containerLogsRoom,
  containerStatsPrefix,
  containerStatsRoom,
  defaultStatsInterval,
  defaultTail,
  type JoinMessage,
  type StreamContainerLogsMessage
} from "../Wire.js"
import { ContainerRequests } from "./ContainerRequests.js"
import type { ContainerRef } from "./ContainerResolver.js"
import { decodeClientMessage, type ProtocolError } from "./decodeClientMessage.js"
import { FollowedRoom, type FollowedRoomServices } from "./join/FollowedRoom.js"
import { hasRing, joinContainerRoom, joinRemovedContainer, joinRoom } from "./join/joinRoom.js"
import { KeptRoom } from "./join/KeptRoom.js"
import { isOperationRoom, OperationRoom } from "./join/OperationRoom.js"
import { type Denials, denialCodes, messageScopes } from "./messageScopes.js"
import { sendJoined } from "./join/roomReplies.js"
import { OffenceCounter } from "./limits/OffenceCounter.js"
import { RateLimiter } from "./limits/RateLimiter.js"

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

const internalError = (cause: Cause.Cause<never>, about: string) =>
  Effect.as(Effect.logError("Carrying out a client's message died.", cause), {
    code: "internal_error",
    message: "The server failed to carry out this message. Its log says why.",
    about
  })

/** Answers with an error if the effect dies: the connection, and what else it asked for, goes on. */
const guard = (viewer: Viewer, effect: Effect.Effect<void>, about: string): Effect.Effect<void> =>
  Effect.catchAllCause(effect, (cause) =>
    Cause.isInterruptedOnly(cause)
      ? Effect.failCause(cause)
      : Effect.map(internalError(cause, about), (data) => viewer.send({ event: "error", data }))
  )

/** A request to join the room of a container's log. */
interface LogRequest {
  /** The container as the client named it. */
  readonly idOrName: string
  /** The room as the client named it. */
  readonly requestedRoom: string
  readonly history: HistoryRequest
  readonly onFound: (container: ContainerRef) => Effect.Effect<void>
}

interface ConversationServices extends FollowedRoomServices {
  readonly history: OperationHistoryShape
  readonly statsFollowers: StatsFollowersShape
  readonly store: LogStoreShape
}

/** Carries out the messages of one client: those about one room in order, those about different rooms concurrently. */
export class Conversation {
  private readonly rateLimiter = new RateLimiter(messageBurst, messagesPerSecond, Date.now())
  private readonly offences = new OffenceCounter(maxOffences, 60_000)
  /** The rooms of the containers that the client follows, by canonical name. */
  private readonly followedRooms = new Map<string, FollowedRoom>()
  /** The rooms of operations that the client is in. */
  private readonly operationRooms = new Map<string, OperationRoom>()
  /** The rooms of removed containers whose kept logs the client gets. */
  private readonly keptRooms = new Map<string, KeptRoom>()

  private constructor(
    private readonly services: ConversationServices,
    private readonly requests: ContainerRequests,
    private readonly denial: Denials
  ) {
    services.viewer.onOverrun = (membership) => {
      const { room } = membership.ring
      return (this.followedRooms.get(room) ?? this.operationRooms.get(room))?.catchUp(membership) ?? false
    }
  }

  /** A conversation that ends with the surrounding scope. `denial` says what the client may not do. */
  static readonly make = (
    viewer: Viewer,
    denial: Denials = () => undefined
  ): Effect.Effect<
    Conversation,
    never,
    Hub | OperationHistory | Followers | StatsFollowers | EngineMonitor | Containers | Logs | LogStore | Scope.Scope
  > =>
    Effect.gen(function* () {
      const { whenAvailable } = yield* EngineMonitor
      const runFork = Runtime.runFork(yield* Effect.runtime())
      const rooms = { viewer, hub: yield* Hub, history: yield* OperationHistory, runFork }
      const followed = { followers: yield* Followers, statsFollowers: yield* StatsFollowers }
      const services = { ...rooms, ...followed, logs: yield* Logs, store: yield* LogStore, whenAvailable }
      const guarded = (request: Effect.Effect<void>, about: string) => guard(viewer, request, about)
      const requests = yield* ContainerRequests.make(whenAvailable, guarded, runFork)
      const conversation = new Conversation(services, requests, denial)
      yield* Scope.addFinalizer(yield* Effect.scope, conversation.close)
      return conversation
    })

  /** Interrupts what is being done for the client. */
  private get close(): Effect.Effect<void> {
    return Effect.suspend(() =>
      Effect.zipRight(
        this.requests.close,
        Effect.forEach(
          [...this.followedRooms.values(), ...this.operationRooms.values(), ...this.keptRooms.values()],
          (room) => room.close,
          { discard: true }
        )
      )
    )
  }

  /** Receives one text frame. Completes when the next one may be received: requests for containers are carried out later. */
  receive(frame: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (!this.rateLimiter.tryAcquire(Date.now())) return this.reject(tooFast)
      return Effect.matchEffect(decodeClientMessage(frame), {
        onFailure: (error) => this.reject(error),
        onSuccess: (message) => guard(this.services.viewer, this.dispatchIfAllowed(message), message.event)
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
      case "stream_container_stats": {
        const { container_id, interval } = message.data
        return this.withinRoomLimit(container_id, () => this.joinStats(containerStatsRoom(container_id), interval))
      }
      case "stop_container_stats":
        return this.leave(containerStatsRoom(message.data.container_id))
    }
  }

  private join({ position, room }: JoinMessage["data"]): Effect.Effect<void> {
    return this.withinRoomLimit(room, () => {
      const { hub, viewer } = this.services
      if (room.startsWith(containerStatsPrefix)) return this.joinStats(room)
      if (isOperationRoom(room)) return this.joinOperations(room, position)
      if (!room.startsWith(containerLogsPrefix)) {
        return Effect.sync(() => joinRoom(hub, viewer, room, room, position))
      }
      const onFound = (container: ContainerRef) => {
        if (position !== undefined) return this.follow(container, room, { position, tail: defaultTail })
        hub.setContainerName(container.id, container.name)
        const request = { containerId: container.id, requestedRoom: room }
        return joinContainerRoom(hub, viewer, request, findLogEnd(this.services.logs, container.id))
      }
      const idOrName = room.slice(containerLogsPrefix.length)
      const history = { position, tail: defaultTail }
      return this.withContainer({ idOrName, requestedRoom: room, history, onFound })
    })
  }

  /** Joins the room of a container's stats, or changes the interval. */
  private joinStats(requestedRoom: string, interval = defaultStatsInterval): Effect.Effect<void> {
    const { hub, statsFollowers, viewer } = this.services
    const idOrName = requestedRoom.slice(containerStatsPrefix.length)
    const sendError = (error: LogsError) => Effect.sync(() => this.sendError(error, idOrName))
    return this.requests.startWithContainer({
      idOrName,
      requestedRoom,
      roomOf: containerStatsRoom,
      onFound: ({ id }) =>
        Effect.suspend(() => {
          const { position, ring } = hub.join(viewer, containerStatsRoom(id), requestedRoom)
          sendJoined(viewer, ring, { requestedRoom, position, recovered: true })
          return statsFollowers.watch(viewer, id, interval)
        }),
      onUnavailable: sendError,
      onFailure: sendError
    })
  }

  private joinOperations(room: string, position: string | undefined): Effect.Effect<void> {
    const join = Effect.suspend(() => {
      const existing = this.operationRooms.get(room)
      if (existing !== undefined) return existing.join(room, position)
      const joined = new OperationRoom(this.services, room)
      this.operationRooms.set(room, joined)
      return joined.join(room, position)
    })
    return this.requests.start(room, join)
  }

  /** Leaves a room. Requests to join it that are not yet carried out are dropped. */
  private leave(requestedRoom: string): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      const { followers, hub, statsFollowers, viewer } = this.services
      const room = this.requests.resolver.canonicalRoom(requestedRoom)
      // The room may have been requested by another name of the container.
      yield* this.requests.cancel(room, [requestedRoom, viewer.membership(room)?.requestedRoom ?? room])
      hub.leave(viewer, room)
      const joined = this.followedRooms.get(room) ?? this.operationRooms.get(room) ?? this.keptRooms.get(room)
      for (const rooms of [this.followedRooms, this.operationRooms, this.keptRooms]) rooms.delete(room)
      if (joined !== undefined) yield* joined.close
      if (room.startsWith(containerLogsPrefix)) {
        yield* followers.unwatch(viewer, room.slice(containerLogsPrefix.length))
      }
      if (room.startsWith(containerStatsPrefix)) {
        yield* statsFollowers.unwatch(viewer, room.slice(containerStatsPrefix.length))
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
      return this.withContainer({ idOrName: container_id, requestedRoom, history, onFound })
    })
  }

  private follow(container: ContainerRef, requestedRoom: string, history: HistoryRequest): Effect.Effect<void> {
    return Effect.suspend(() => this.followedRoom(container).follow(container.name, requestedRoom, history))
  }

  private followedRoom(container: ContainerRef): FollowedRoom {
    const existing = this.followedRooms.get(containerLogsRoom(container.id))
    if (existing !== undefined) return existing
    const room = new FollowedRoom(this.services, container)
    this.followedRooms.set(room.room, room)
    return room
  }

  /**
   * Starts to resolve a container and pass it on. If the engine is unavailable, the client is told at once, and the request
   * is carried out when the engine is back.
   */
  private withContainer(request: LogRequest): Effect.Effect<void> {
    const { idOrName } = request
    return this.requests.startWithContainer({
      ...request,
      roomOf: containerLogsRoom,
      onUnavailable: (error) => Effect.sync(() => this.sendError(error, idOrName)),
      onFailure: (error, inTurnOf) => this.joinRemoved(request, error, inTurnOf)
    })
  }

  /** If the container was removed, joins what is left of its room, or what is kept of its log. */
  private joinRemoved(
    { history, idOrName, requestedRoom }: LogRequest,
    error: LogsError,
    inTurnOf: (room: string, request: Effect.Effect<void>) => Effect.Effect<void>
  ): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      const { hub, viewer } = this.services
      const { position } = history
      if (error._tag !== "ContainerNotFound") return this.sendError(error, idOrName)
      const named = isFullId(idOrName)
        ? idOrName
        : position === undefined
          ? this.joinedContainer(requestedRoom)
          : containerOf(position)
      const kept = yield* this.findKept(named ?? idOrName)
      const containerId = named ?? kept?.generation.containerId
      if (containerId === undefined) return this.sendError(error, idOrName)
      const join = Effect.suspend(() => {
        if (kept !== undefined && !hasRing(hub, viewer, containerId, position)) {
          return this.joinKept(kept, idOrName, requestedRoom, history)
        }
        const removed = { containerId, requestedRoom, position }
        if (!joinRemovedContainer(hub, viewer, removed, error.message)) this.sendError(error, idOrName)
        return Effect.void
      })
      yield* inTurnOf(containerLogsRoom(containerId), join)
    })
  }

  /** What is kept of a container; nothing if logs cannot be read now. */
  private findKept(idOrName: string): Effect.Effect<KeptContainer | undefined> {
    return this.services.store.sources.pipe(
      Effect.map((sources) => findKeptContainer(sources, idOrName)),
      Effect.orElseSucceed(() => undefined)
    )
  }

  private joinKept(
    kept: KeptContainer,
    idOrName: string,
    requestedRoom: string,
    history: HistoryRequest
  ): Effect.Effect<void> {
    const { containerId: id, containerName: name } = kept.generation
    this.requests.resolver.remember(idOrName, { id, name })
    const joined = new KeptRoom(this.services, kept)
    this.keptRooms.set(joined.room, joined)
    return joined.join(requestedRoom, history)
  }

  /** The id of the container in whose room the client is under this name. */
  private joinedContainer(requestedRoom: string): string | undefined {
    const room = this.requests.resolver.canonicalRoom(requestedRoom)
    return this.services.viewer.membership(room) === undefined ? undefined : room.slice(containerLogsPrefix.length)
  }

  private sendError(error: LogsError, about: string): void {
    this.services.viewer.send({
      event: "error",
      data: { code: errorCode(error._tag), message: error.message, about }
    })
  }

  private withinRoomLimit(about: string, join: () => Effect.Effect<void>): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.services.viewer.roomCount + this.requests.pending < maxRooms) return join()
      const message = `A connection can be in at most ${maxRooms} rooms. Leave a room before you join another one.`
      return this.reject({ code: "too_many_rooms", message, about })
    })
  }
}

/** Whether the room is that of the container, named by an id or a name of it. */
const isRoomOf = (container: ContainerRef, room: string, idOrName: string): boolean => {
  if (!room.startsWith(containerLogsPrefix)) return false
  const name = room.slice(containerLogsPrefix.length)
  return name === idOrName || name === container.name || (name.length >= 12 && container.id.startsWith(name))
}
