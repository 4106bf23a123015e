/** One client's conversation: what each of its messages does. */
import { Containers } from "@dockwire/core/Containers"
import { type FollowOptions, Logs, type LogsError } from "@dockwire/core/Logs"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import { randomBytes } from "node:crypto"
import { EngineMonitor } from "../engine/EngineMonitor.js"
import { errorCode, type Follower, Followers } from "../engine/Followers.js"
import {
  logPositionOf,
  goOn,
  type HistoryReader,
  type HistoryRequest,
  historyStart,
  readHistory
} from "../engine/History.js"
import { Hub } from "../rooms/Hub.js"
import { decodeClientMessage, Manners, maxRooms, type ProtocolError } from "./Protocol.js"
import { containerHead } from "../rooms/RoomEvents.js"
import { formatPosition } from "../rooms/RoomPosition.js"
import type { Ring } from "../rooms/Ring.js"
import type { Membership, Viewer } from "../rooms/Viewer.js"
import {
  type ClientMessage,
  CloseCode,
  containerLogsPrefix,
  containerLogsRoom,
  containerStatsPrefix,
  defaultTail,
  type Joined
} from "../Wire.js"

/** A container as the engine knows it. */
interface Container {
  readonly id: string
  readonly name: string
}

/** A conversation. */
export interface Conversation {
  /** Takes one frame; done when it is dealt with as far as the next one must wait for it. */
  readonly receive: (frame: string) => Effect.Effect<void>
  /** Something that is not a text frame came, or one that is too large to be read. */
  readonly offend: (error: ProtocolError) => Effect.Effect<void>
}

const firstWait = "1 second"

/** Before all that a log has. */
const startPosition = formatPosition({ epoch: "", seq: 0 })

/** A conversation with a viewer, in the scope that the connection lives in. */
export const makeConversation = (
  viewer: Viewer
): Effect.Effect<Conversation, never, Hub | Followers | EngineMonitor | Containers | Logs | Scope.Scope> =>
  Effect.gen(function* () {
    const hub = yield* Hub
    const followers = yield* Followers
    const monitor = yield* EngineMonitor
    const containers = yield* Containers
    const logs = yield* Logs
    const scope = yield* Effect.scope
    const runtime = yield* Effect.runtime()
    const manners = new Manners(Date.now())
    /** Requests that wait for the engine, by the room as it was asked for. */
    const waiting = new Map<string, Fiber.RuntimeFiber<void>>()
    /** Readings of history, by the canonical room. */
    const reading = new Map<string, Fiber.RuntimeFiber<void>>()
    /** Viewers' ways back into rooms that overtook them, likewise. */
    const catchingUp = new Map<string, Fiber.RuntimeFiber<void>>()
    /** Full ids of containers that were asked for, by the string that asked. */
    const resolved = new Map<string, Container>()
    /** The containers that are followed, by their rooms. */
    const followed = new Map<string, Container>()

    const sendError = (error: ProtocolError) => Effect.sync(() => viewer.send({ event: "error", data: error }))

    const offend = (error: ProtocolError) =>
      Effect.sync(() => {
        viewer.send({ event: "error", data: error })
        if (manners.offend(Date.now())) {
          viewer.close(CloseCode.notThisProtocol, "too many messages that are not of this protocol")
        }
      })

    const refuse = (error: LogsError, about: string) =>
      sendError({ code: errorCode(error._tag), message: error.message, about })

    const resolve = (idOrName: string): Effect.Effect<Container, LogsError> =>
      Effect.suspend((): Effect.Effect<Container, LogsError> => {
        const known = monitor.find(idOrName)
        if (known !== undefined) return Effect.succeed(known)
        return containers.inspect(idOrName)
      }).pipe(
        Effect.map(({ id, name }) => ({ id, name })),
        Effect.tap((container) => Effect.sync(() => resolved.set(idOrName, container)))
      )

    const stop = (fibers: Map<string, Fiber.RuntimeFiber<void>>, key: string) =>
      Effect.suspend(() => {
        const fiber = fibers.get(key)
        fibers.delete(key)
        return fiber === undefined ? Effect.void : Fiber.interrupt(fiber)
      })

    /** Runs beside the conversation, until it is done or the room is left. */
    const runBeside = (fibers: Map<string, Fiber.RuntimeFiber<void>>, key: string, effect: Effect.Effect<void>) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkIn(effect, scope)
        fibers.set(key, fiber)
        fiber.addObserver(() => {
          if (fibers.get(key) === fiber) fibers.delete(key)
        })
      })

    const sendJoined = (ring: Ring, asked: string, position: string, recovered: boolean, epoch = ring.epoch) => {
      const data: Joined["data"] = {
        room: asked,
        canonical: ring.room,
        epoch,
        seq: ring.seq,
        oldest: ring.oldest,
        recovered
      }
      viewer.send({ event: "joined", room: ring.room, position, data })
      viewer.send({ event: "status", data: { msg: `Joined room: ${asked}` } })
    }

    const sendGap = (ring: Ring, from: number | null, to: number | null, reason: string) =>
      viewer.send({ event: "gap", room: ring.room, data: { room: ring.room, from, to, reason } })

    /** Joins a room whose history is in the ring alone. */
    const joinRoom = (room: string, asked: string, position: string | undefined) => {
      const known = viewer.membership(room)
      const membership = hub.join(viewer, room, asked)
      const { ring } = membership
      if (known !== undefined || position === undefined) {
        return sendJoined(ring, asked, ring.positionAt(membership.next - 1), true)
      }
      const last = ring.seqOfRoomPosition(position)
      if (last !== undefined && last + 1 >= ring.oldest) {
        sendJoined(ring, asked, position, true)
        return viewer.release(membership, last + 1, position)
      }
      // What is still there comes all the same; what came before it is a gap, and told only once.
      sendJoined(ring, asked, ring.positionBefore(ring.oldest), false)
      sendGap(
        ring,
        last === undefined ? null : last + 1,
        ring.seq === 0 ? null : ring.oldest - 1,
        last !== undefined
          ? "The server no longer remembers these events: the room keeps only its last ones."
          : "The server was restarted or has forgotten the room since: what came in between is not known."
      )
      viewer.release(membership, ring.oldest, ring.positionBefore(ring.oldest))
    }

    const startFromEngine = (
      reader: HistoryReader,
      request: HistoryRequest,
      asked: string,
      options: FollowOptions,
      gap: string | undefined
    ) =>
      Effect.gen(function* () {
        const { membership } = reader
        const { ring } = membership
        const first = yield* Effect.makeLatch(false)
        const go = yield* Effect.makeLatch(false)
        let recovered = true
        const onFirst = (gap: boolean) =>
          Effect.suspend(() => {
            recovered = !gap
            first.unsafeOpen()
            return go.await
          })
        const history = readHistory({ ...reader, onFirst }, options).pipe(
          Effect.catchAll((error) =>
            Effect.zipRight(
              onFirst(true),
              Effect.sync(() => {
                sendGap(
                  ring,
                  null,
                  ring.seq === 0 ? null : ring.oldest - 1,
                  `What came before can't be read: ${error.message}`
                )
                goOn(reader, ring.oldest, ring.positionBefore(ring.oldest))
              })
            )
          )
        )
        yield* runBeside(reading, ring.room, history)
        // Where nothing comes, nothing is missing.
        yield* Effect.timeoutOption(first.await, firstWait)
        if (!viewer.has(membership)) return
        // The numbers begin anew where the ring goes on: not all that lies between has one.
        const epoch = request.position === undefined ? ring.epoch : `${ring.epoch}-${randomBytes(4).toString("hex")}`
        sendJoined(ring, asked, request.position ?? startPosition, gap === undefined && recovered, epoch)
        if (gap !== undefined) sendGap(ring, null, null, gap)
        go.unsafeOpen()
      })

    /** Follows a container in its room; what the viewer asked for of its history comes first. */
    const follow = (container: Container, asked: string, request: HistoryRequest): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (!followers.watches(viewer, container.id)) return begin(container, asked, request)
        const { position, ring } = hub.join(viewer, containerLogsRoom(container.id), asked)
        return Effect.sync(() => sendJoined(ring, asked, position, true))
      })

    const begin = (container: Container, asked: string, request: HistoryRequest, gap?: string): Effect.Effect<void> =>
      Effect.gen(function* () {
        const room = containerLogsRoom(container.id)
        const logPosition = request.position === undefined ? undefined : logPositionOf(request.position)
        if (logPosition !== undefined && logPosition.containerId !== container.id) {
          // The name is another container's now, and nothing of its log has been seen.
          const reason = `The container was made anew; what ${logPosition.containerId.slice(0, 12)} wrote last is not told here.`
          return yield* begin(container, asked, { since: "1" }, reason)
        }
        const follower: Follower = yield* followers.watch(viewer, {
          containerId: container.id,
          name: container.name,
          tail: request.tail ?? 0,
          ...(logPosition === undefined ? {} : { position: logPosition })
        })
        followed.set(room, container)
        // First in the room, then the history: nothing falls between.
        const membership: Membership = hub.join(viewer, room, asked)
        membership.held = true
        if (!membership.delivered) membership.position = request.position ?? startPosition
        const { ring } = membership
        const isFirst = request.position === undefined && request.since === undefined && request.tail === follower.tail
        if (!isFirst) yield* follower.loaded
        if (!viewer.has(membership)) return
        const start = historyStart(ring, follower, request)
        const reader: HistoryReader = {
          logs,
          follower,
          head: containerHead(container.id, container.name),
          membership,
          onFirst: () => Effect.void,
          whenAvailable: monitor.whenAvailable
        }
        if (start._tag === "Engine") return yield* startFromEngine(reader, request, asked, start.options, gap)
        sendJoined(ring, asked, ring.positionBefore(start.from), gap === undefined && start.recovered)
        if (gap !== undefined) sendGap(ring, null, null, gap)
        goOn(reader, start.from, request.position ?? ring.positionBefore(start.from))
      })

    /** The room went on without the viewer: it is read from the engine again from where the viewer is. */
    const catchUp = (membership: Membership, container: Container): Effect.Effect<void> =>
      Effect.gen(function* () {
        yield* viewer.whenWritable
        const { asked, position, ring } = membership
        if (!viewer.has(membership)) return
        hub.leave(viewer, ring.room)
        yield* begin(container, asked, { position })
      })

    viewer.onOvertaken = (membership) => {
      const { position, ring } = membership
      const container = followed.get(ring.room)
      if (container === undefined || logPositionOf(position) === undefined) return false
      membership.held = true
      Runtime.runFork(runtime)(runBeside(catchingUp, ring.room, catchUp(membership, container)))
      return true
    }

    /** A container that is gone: its room where it is still remembered, else a gap for who was there before. */
    const joinGone = (id: string, asked: string, position: string | undefined, error: LogsError) =>
      Effect.gen(function* () {
        const room = containerLogsRoom(id)
        const ring = hub.existing(room)
        if (ring === undefined && position === undefined) return yield* refuse(error, id)
        if (ring === undefined) {
          viewer.send({
            event: "joined",
            room,
            position: position ?? startPosition,
            data: { room: asked, canonical: room, epoch: "", seq: 0, oldest: 1, recovered: false }
          })
          viewer.send({ event: "gap", room, data: { room, from: null, to: null, reason: error.message } })
          return
        }
        const logPosition = position === undefined ? undefined : logPositionOf(position)
        const last =
          position === undefined
            ? undefined
            : (ring.seqOfRoomPosition(position) ??
              (logPosition === undefined ? undefined : ring.seqOfLogPosition(logPosition)))
        const lost = position !== undefined && (last === undefined || last + 1 < ring.oldest)
        const from =
          position === undefined
            ? Math.max(ring.oldest, ring.lastLines(defaultTail).from)
            : lost
              ? ring.oldest
              : (last ?? 0) + 1
        const membership = hub.join(viewer, room, asked)
        sendJoined(ring, asked, ring.positionBefore(from), !lost)
        if (lost) {
          sendGap(
            ring,
            last === undefined ? null : last + 1,
            ring.seq === 0 ? null : ring.oldest - 1,
            "The container was removed, and the room keeps only its last lines."
          )
        }
        viewer.release(membership, from, ring.positionBefore(from))
      })

    const withContainer = (
      idOrName: string,
      asked: string,
      position: string | undefined,
      then: (container: Container) => Effect.Effect<void>
    ): Effect.Effect<void> =>
      Effect.suspend(() => {
        const settle = (error: LogsError) => {
          const id = /^[0-9a-f]{64}$/.test(idOrName)
            ? idOrName
            : position === undefined
              ? undefined
              : logPositionOf(position)?.containerId
          const isGone = error._tag === "ContainerNotFound" && id !== undefined
          return isGone ? joinGone(id, asked, position, error) : refuse(error, idOrName)
        }
        const later: Effect.Effect<void> = Effect.andThen(
          monitor.whenAvailable,
          Effect.matchEffect(resolve(idOrName), {
            onSuccess: then,
            onFailure: (error) =>
              error._tag === "EngineUnavailable"
                ? Effect.delay(
                    Effect.suspend(() => later),
                    "250 millis"
                  )
                : settle(error)
          })
        )
        return Effect.matchEffect(resolve(idOrName), {
          onSuccess: then,
          onFailure: (error) =>
            error._tag === "EngineUnavailable"
              ? // Said now, and done when the engine is back; of two such requests the later counts.
                Effect.andThen(
                  refuse(error, idOrName),
                  Effect.andThen(stop(waiting, asked), runBeside(waiting, asked, later))
                )
              : settle(error)
        })
      })

    const tooManyRooms = (about: string) =>
      viewer.rooms + waiting.size < maxRooms
        ? undefined
        : { code: "too_many_rooms", message: `A connection may be in ${maxRooms} rooms; leave some first.`, about }

    const join = ({ position, room }: Extract<ClientMessage, { event: "join" }>["data"]) =>
      Effect.suspend(() => {
        const tooMany = tooManyRooms(room)
        if (tooMany !== undefined) return offend(tooMany)
        if (room.startsWith(containerLogsPrefix)) {
          return withContainer(room.slice(containerLogsPrefix.length), room, position, (container) =>
            position === undefined
              ? Effect.sync(() => {
                  hub.nameContainer(container.id, container.name)
                  joinRoom(containerLogsRoom(container.id), room, undefined)
                })
              : follow(container, room, { position, tail: defaultTail })
          )
        }
        if (room.startsWith(containerStatsPrefix)) return notSupported(room)
        return Effect.sync(() => joinRoom(room, room, position))
      })

    /** The room that is meant: what was asked for may be a name or a short id. */
    const canonical = (asked: string): string => {
      for (const prefix of [containerLogsPrefix, containerStatsPrefix]) {
        if (!asked.startsWith(prefix)) continue
        const name = asked.slice(prefix.length)
        return prefix + (resolved.get(name)?.id ?? monitor.find(name)?.id ?? name)
      }
      return asked
    }

    const leave = (asked: string) =>
      Effect.gen(function* () {
        yield* stop(waiting, asked)
        const room = canonical(asked)
        const membership = hub.leave(viewer, room)
        if (membership !== undefined) yield* stop(waiting, membership.asked)
        yield* stop(catchingUp, room)
        yield* stop(reading, room)
        followed.delete(room)
        if (room.startsWith(containerLogsPrefix)) {
          yield* followers.unwatch(viewer, room.slice(containerLogsPrefix.length))
        }
        viewer.send({ event: "left", room, data: { room: asked } })
      })

    const stream = (data: Extract<ClientMessage, { event: "stream_container_logs" }>["data"]) =>
      Effect.suspend(() => {
        const { container_id, position, room } = data
        const tooMany = tooManyRooms(container_id)
        if (tooMany !== undefined) return offend(tooMany)
        const asked = room ?? containerLogsRoom(container_id)
        const since = data.since === undefined ? undefined : String(data.since)
        const tail = data.tail ?? (since === undefined ? defaultTail : undefined)
        return withContainer(container_id, asked, position, (container) => {
          const name = asked.slice(containerLogsPrefix.length)
          const isItsRoom =
            asked.startsWith(containerLogsPrefix) &&
            (name === container_id || name === container.name || (name.length >= 12 && container.id.startsWith(name)))
          if (isItsRoom) return follow(container, asked, { position, since, tail })
          return offend({
            code: "room_mismatch",
            message: `The room ${JSON.stringify(asked)} is not that of the container ${JSON.stringify(container_id)}; leave it out, or give ${containerLogsRoom(container_id)}.`,
            about: container_id
          })
        })
      })

    const notSupported = (event: string) =>
      sendError({ code: "not_supported", message: "This server has no figures of containers yet.", about: event })

    const handle = (message: ClientMessage): Effect.Effect<void> => {
      switch (message.event) {
        case "join":
          return join(message.data)
        case "leave":
          return leave(message.data.room)
        case "stream_container_logs":
          return stream(message.data)
        case "stop_container_logs":
          return leave(message.data.room ?? containerLogsRoom(message.data.container_id))
        case "stream_container_stats":
        case "stop_container_stats":
          return notSupported(message.event)
      }
    }

    const tooFast: ProtocolError = {
      code: "too_fast",
      message: "Too many messages in too short a time; this one was not read."
    }

    return {
      offend,
      receive: (frame) =>
        Effect.suspend(() => {
          if (!manners.allows(Date.now())) return offend(tooFast)
          return Either.match(decodeClientMessage(frame), { onLeft: offend, onRight: handle })
        })
    }
  })
