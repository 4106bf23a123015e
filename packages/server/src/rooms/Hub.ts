/**
 * The rooms of the server, and the viewers in them.
 *
 * @since 0.1.0
 */
import type { LogEvent, LogLine, LogMark, OperationEvent } from "@dockwire/core/LogEvent"
import type { LogPosition } from "@dockwire/core/LogPosition"
import { LogSink } from "@dockwire/core/LogSink"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import { CloseCode, containerLogsPrefix, containerLogsRoom, type ServerMessage } from "../Wire.js"
import { defaultHubOptions, type HubOptions } from "./HubOptions.js"
import { RoomLog } from "./log/RoomLog.js"
import type { NotHeld } from "./log/RoomLogShape.js"
import { LogEventPublisher, type RunningRun } from "./LogEventPublisher.js"
import type { Membership } from "./Membership.js"
import { OperationHistory } from "./OperationHistory.js"
import type { Ring } from "./Ring.js"
import type { RoomEvent } from "./events/RoomEvent.js"
import { RoomRegistry } from "./RoomRegistry.js"
import { Viewer, type ViewerTransport } from "./Viewer.js"

/**
 * The service behind `Hub`. Everything except `awaitDemand` is synchronous.
 *
 * @since 0.1.0
 * @category models
 */
export interface HubShape {
  /** Adds a viewer for a new connection. */
  readonly attach: (transport: ViewerTransport) => Viewer
  /** Removes a viewer whose connection is gone from the hub and from all of its rooms. */
  readonly detach: (viewer: Viewer) => void
  /** Adds a viewer to a room, from the room's next event on. A viewer that is in the room already keeps its place. */
  readonly join: (viewer: Viewer, room: string, requestedRoom: string) => Membership
  /** Removes a viewer from a room. */
  readonly leave: (viewer: Viewer, room: string) => Membership | undefined
  /** The ring of a room. Creates the room if it does not exist. */
  readonly ring: (room: string) => Ring
  /** The ring of a room, if the room exists. */
  readonly findRing: (room: string) => Ring | undefined
  /** Adds events to a room's history and delivers them to its members. */
  readonly publish: (room: string, events: ReadonlyArray<RoomEvent>) => void
  /** Publishes a container's lines and marks to its room. Lines that carry a position in the engine's log can be resumed from. */
  readonly publishLogs: (containerId: string, elements: ReadonlyArray<LogLine | LogMark>) => void
  /** Waits until nobody else follows the container for its room, and is the only one who does until the scope closes. */
  readonly hold: (containerId: string) => Effect.Effect<ContainerHold, never, Scope.Scope>
  /**
   * Publishes log events to the rooms that they belong to: see `Hub.layerSink`. `firstOrder` is the order of the first event of
   * a run among them in the history of operations.
   */
  readonly offer: (events: ReadonlyArray<LogEvent>, firstOrder?: number) => void
  /** The runs that have not ended, by log id. */
  readonly runs: ReadonlyMap<string, RunningRun>
  /** Sends a message that is not part of any room's history to every viewer. */
  readonly broadcast: (message: ServerMessage) => void
  /** Sets the name that a container's lines carry. Default: its short id. */
  readonly setContainerName: (containerId: string, name: string) => void
  /** Reserves a container's room for a follower: `offer` then ignores that container's log, which would otherwise appear twice. */
  readonly claim: (room: string) => void
  /** Undoes `claim`, and drops the room unless it has members. */
  readonly unclaim: (room: string) => void
  /** How many viewers are in a room. */
  readonly memberCount: (room: string) => number
  /**
   * Completes when at least one member of the room has nearly caught up, or the room is empty. A publisher that awaits it
   * reads from the engine no faster than the fastest member reads from the room.
   */
  readonly awaitDemand: (room: string) => Effect.Effect<void>
  /** Closes every connection with a WebSocket close code and reason. */
  readonly closeAll: (code: number, reason: string) => void
  /** How many viewers are connected. */
  readonly viewerCount: () => number
  /** What has passed through the rooms since the start. */
  readonly counts: () => HubCounts
}

/**
 * What has passed through the rooms of a hub. An event is a line, a state of progress, a mark or an end.
 *
 * @since 0.1.0
 * @category models
 */
export interface HubCounts {
  /** Rooms that exist now. */
  readonly rooms: number
  /** Events that rooms have had. */
  readonly received: number
  /** Events that viewers were sent from the history of rooms, each viewer counted. What was read from the engine again is not. */
  readonly sent: number
}

/**
 * The right to be the only one who publishes a container's log to its room.
 *
 * @since 0.1.0
 * @category models
 */
export interface ContainerHold {
  /** The position in the engine's log after the room's last event, if known. */
  readonly point: () => LogPosition | undefined
  /** Publishes lines and marks. Completes when they are in the room. */
  readonly append: (elements: ReadonlyArray<LogLine | LogMark>) => Effect.Effect<void, NotHeld>
  /** Completes when another server may follow the container. */
  readonly lost: Effect.Effect<void>
}

/** Runs again and again for as long as the scope is open, also after it died. */
const every = (milliseconds: number, what: string, run: () => void) =>
  Effect.flatMap(Effect.runtime(), (runtime) => {
    const runLogged = Effect.catchAllDefect(Effect.sync(run), (defect) =>
      Effect.logError(`${what} died.`, Cause.die(defect))
    )
    return Effect.acquireRelease(
      Effect.sync(() => setInterval(() => Runtime.runFork(runtime, runLogged), milliseconds).unref()),
      (timer) => Effect.sync(() => clearInterval(timer))
    )
  })

const isOperationEvent = (event: LogEvent): event is OperationEvent =>
  event._tag !== "LogLine" && event._tag !== "LogMark"

const make = (options: HubOptions) =>
  Effect.gen(function* () {
    const log = yield* RoomLog
    const viewers = new Set<Viewer>()
    /** Events that were sent to viewers that have left. */
    let sentToFormer = 0
    const rooms = new RoomRegistry(log, options, (room) => {
      if (room.startsWith(containerLogsPrefix)) publisher.forgetContainer(room.slice(containerLogsPrefix.length))
    })
    const publisher = new LogEventPublisher(rooms)

    const hub: HubShape = {
      attach: (transport) => {
        const viewer = new Viewer(transport, options.viewer, (ring) => rooms.checkDemand(ring.room))
        viewers.add(viewer)
        return viewer
      },
      detach: (viewer) => {
        viewer.markClosed()
        if (viewers.delete(viewer)) sentToFormer += viewer.sentEvents
        for (const membership of viewer.memberships) rooms.leave(viewer, membership.ring.room)
      },
      join: (viewer, room, requestedRoom) => rooms.join(viewer, room, requestedRoom),
      leave: (viewer, room) => rooms.leave(viewer, room),
      ring: (room) => rooms.ring(room),
      findRing: (room) => rooms.findRing(room),
      publish: (room, events) => rooms.publish(room, events),
      publishLogs: (containerId, elements) => publisher.publishLogs(containerId, elements),
      hold: (containerId) => {
        const room = containerLogsRoom(containerId)
        return Effect.map(log.hold(room), ({ append, lost, point }) => ({
          lost,
          point: () => point() ?? rooms.findRing(room)?.logPosition,
          append: (elements) => Effect.suspend(() => append(publisher.encodeLogs(containerId, elements)))
        }))
      },
      offer: (events, firstOrder) => publisher.offer(events, firstOrder),
      runs: publisher.runs,
      broadcast: (message) => {
        const frame = Buffer.from(JSON.stringify([message]))
        for (const viewer of viewers) viewer.write(frame)
      },
      setContainerName: (containerId, name) => publisher.setContainerName(containerId, name),
      claim: (room) => rooms.claim(room),
      unclaim: (room) => rooms.unclaim(room),
      memberCount: (room) => rooms.memberCount(room),
      awaitDemand: (room) => rooms.awaitDemand(room),
      closeAll: (code, reason) => {
        for (const viewer of viewers) viewer.close(code, reason)
      },
      viewerCount: () => viewers.size,
      counts: () => {
        let sent = sentToFormer
        for (const viewer of viewers) sent += viewer.sentEvents
        return { rooms: rooms.size, received: rooms.heardEvents, sent }
      }
    }

    const checkStalls = () => {
      const now = Date.now()
      for (const viewer of viewers) viewer.checkStall(now)
    }
    yield* every(1_000, "Looking for viewers that are too slow", checkStalls)
    yield* every(10_000, "Sweeping the rooms", () => rooms.sweep())
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => hub.closeAll(CloseCode.goingAway, "the server is shutting down: reconnect later"))
    )
    return hub
  })

/**
 * The rooms of the server. Each room has members, and a ring that numbers its events and keeps the most recent ones for
 * replay. An event is encoded once and sent to every member as the same bytes: at once if no write to the viewer is pending,
 * else together with what arrives until the write completes. A slow viewer is fed from the ring later and holds up nobody else.
 *
 * @since 0.1.0
 * @category tags
 */
export class Hub extends Context.Tag("@dockwire/server/Hub")<Hub, HubShape>() {
  /** A hub with other limits than `defaultHubOptions`. */
  static readonly layerWith = (options: Partial<HubOptions>): Layer.Layer<Hub> =>
    Hub.layerWithLog(options).pipe(Layer.provide(RoomLog.layerMemory))

  /** A hub whose rooms are numbered by the surrounding `RoomLog`. */
  static readonly layerWithLog = (options: Partial<HubOptions>): Layer.Layer<Hub, never, RoomLog> =>
    Layer.scoped(Hub, make({ ...defaultHubOptions, ...options }))

  /** A hub with the default limits. */
  static readonly layer: Layer.Layer<Hub> = Hub.layerWith({})

  /**
   * A `LogSink` that publishes to the hub: a container's lines and marks to `container_logs_<id>`, an operation's events to
   * `docker_logs`, `operation_<log id>`, `docker_config_<config id>` and `docker_image_<name>`.
   */
  static readonly layerSink: Layer.Layer<LogSink, never, Hub> = Layer.effect(
    LogSink,
    Effect.map(Hub, (hub) => ({ offer: (events) => hub.offer(events), flush: Effect.void }))
  )

  /** Like `layerSink`, and has the history of operations record their events before they are published. */
  static readonly layerSinkWithHistory: Layer.Layer<LogSink, never, Hub | OperationHistory> = Layer.effect(
    LogSink,
    Effect.gen(function* () {
      const hub = yield* Hub
      const history = yield* OperationHistory
      return {
        offer: (events) => hub.offer(events, history.record(events.filter(isOperationEvent))),
        flush: history.flush
      }
    })
  )
}
