/** Rooms: who is in them, what they remember, and how what is published reaches the viewers. */
import {
  isOperationEnded,
  type LogEvent,
  type LogLine,
  type LogMark,
  type OperationEvent
} from "@dockwire/core/LogEvent"
import { LogPosition } from "@dockwire/core/LogPosition"
import { LogSink } from "@dockwire/core/LogSink"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { randomBytes } from "node:crypto"
import { type LineHead, Ring, type RingEvent, type RingLimits } from "./Ring.js"
import {
  containerHead,
  containerLine,
  containerMark,
  operationEvent,
  operationHead,
  operationRooms
} from "./RoomEvents.js"
import { type Membership, Viewer, type ViewerLimits, type ViewerTransport } from "./Viewer.js"
import { CloseCode, containerLogsPrefix, containerLogsRoom, type ServerMessage } from "../Wire.js"

/** How much the hub holds and how long it waits. */
export interface HubOptions {
  /** What each room remembers. Default: 20,000 lines, 8 Mi characters, an hour. */
  readonly ring: RingLimits
  /** Characters that all rooms remember together. Default 128 Mi. */
  readonly characters: number
  /** Characters of one frame, give or take a line. Default 128 Ki. */
  readonly frameCharacters: number
  /** Default: 4 MiB handed over and not written, or 30 seconds without progress. */
  readonly viewer: ViewerLimits
}

/** What holds where no options are given. */
export const defaultHubOptions: HubOptions = {
  ring: { lines: 20_000, characters: 8 * 1024 * 1024, age: 60 * 60 * 1000 },
  characters: 128 * 1024 * 1024,
  frameCharacters: 128 * 1024,
  viewer: { hardBytes: 4 * 1024 * 1024, stall: 30_000 }
}

/** The shape of the hub. All but `whenWanted` is synchronous: nothing here costs a fiber. */
export interface HubShape {
  /** A new connection. */
  readonly attach: (transport: ViewerTransport) => Viewer
  /** The connection is gone: the viewer leaves every room. */
  readonly detach: (viewer: Viewer) => void
  /** Puts a viewer into a room, from the room's next event on. One who is in it already stays where it is. */
  readonly join: (viewer: Viewer, room: string, asked: string) => Membership
  /** Takes a viewer out of a room. */
  readonly leave: (viewer: Viewer, room: string) => Membership | undefined
  /** What a room remembers; makes the room where there is none. */
  readonly ring: (room: string) => Ring
  /** What a room remembers, where there is one. */
  readonly existing: (room: string) => Ring | undefined
  /** Adds to a room's history and sends it to who is in it. */
  readonly publish: (room: string, events: ReadonlyArray<RingEvent>) => void
  /** Lines and marks of a container into its room, with the engine's positions where the elements have them. */
  readonly publishLogs: (containerId: string, elements: ReadonlyArray<LogLine | LogMark>) => void
  /** Sends a message that belongs to no room's history to every viewer. */
  readonly broadcast: (message: ServerMessage) => void
  /** The name that a container's lines carry from now on; its short id where none was ever told. */
  readonly nameContainer: (containerId: string, name: string) => void
  /** From now on this room's log comes from a follower; what a `LogSink` offers for it would come twice and is left out. */
  readonly claim: (room: string) => void
  /** The follower ended: forgets the room, unless somebody is in it. */
  readonly forget: (room: string) => void
  /** How many are in a room. */
  readonly members: (room: string) => number
  /** Done when somebody in the room is not far behind, or nobody is in it: the pace of who reads an engine for the room. */
  readonly whenWanted: (room: string) => Effect.Effect<void>
  /** Closes every connection. */
  readonly closeAll: (code: number, reason: string) => void
  /** How many are connected. */
  readonly viewers: () => number
}

interface Room {
  readonly ring: Ring
  readonly members: Set<Membership>
  readonly waiters: Set<() => void>
  claimed: boolean
}

class Rooms implements HubShape {
  private readonly epoch = Date.now().toString(36) + randomBytes(4).toString("hex")
  private generation = 0
  private characters = 0
  private readonly rooms = new Map<string, Room>()
  private readonly connected = new Set<Viewer>()
  private readonly containers = new Map<string, { readonly name: string; readonly head: LineHead }>()
  private readonly runs = new Map<string, LineHead>()

  constructor(private readonly options: HubOptions) {}

  attach = (transport: ViewerTransport): Viewer => {
    const viewer = new Viewer(transport, this.options.viewer, (ring) => this.relieve(ring.room))
    this.connected.add(viewer)
    return viewer
  }

  detach = (viewer: Viewer): void => {
    viewer.end()
    this.connected.delete(viewer)
    for (const membership of viewer.all) this.leave(viewer, membership.ring.room)
  }

  join = (viewer: Viewer, room: string, asked: string): Membership => {
    const known = viewer.membership(room)
    if (known !== undefined) {
      known.asked = asked
      return known
    }
    const { members, ring } = this.room(room)
    const next = ring.seq + 1
    const place = { joinedAt: next, next, position: ring.positionAt(ring.seq) }
    const membership: Membership = { viewer, ring, asked, ...place, held: false, delivered: false }
    members.add(membership)
    viewer.add(membership)
    this.relieve(room)
    return membership
  }

  leave = (viewer: Viewer, room: string): Membership | undefined => {
    const membership = viewer.remove(room)
    if (membership === undefined) return undefined
    const left = this.rooms.get(room)
    left?.members.delete(membership)
    // One in which nothing ever happened has nothing to remember, and names of rooms cost nothing.
    if (left !== undefined && left.members.size === 0 && !left.claimed && left.ring.seq === 0) this.drop(room, left)
    else this.relieve(room)
    return membership
  }

  ring = (room: string): Ring => this.room(room).ring

  existing = (room: string): Ring | undefined => this.rooms.get(room)?.ring

  members = (room: string): number => this.rooms.get(room)?.members.size ?? 0

  viewers = (): number => this.connected.size

  publish = (name: string, events: ReadonlyArray<RingEvent>): void => {
    if (events.length === 0) return
    const room = this.room(name)
    const before = room.ring.characters
    room.ring.push(events, Date.now())
    this.characters += room.ring.characters - before
    for (const membership of room.members) membership.viewer.notify(membership)
    if (this.characters > this.options.characters) this.fitBudget()
  }

  publishLogs = (containerId: string, elements: ReadonlyArray<LogLine | LogMark>): void => {
    const head = this.containerHead(containerId)
    const events = elements.map((element): RingEvent => {
      const event =
        element._tag === "LogMark"
          ? containerMark(element)
          : { event: "docker_log", head, json: containerLine(element) }
      return hasPosition(element) ? { ...event, logPosition: element.position } : event
    })
    this.publish(containerLogsRoom(containerId), events)
  }

  /** What comes through the `LogSink`. */
  offer = (events: ReadonlyArray<LogEvent>): void => {
    const logs = new Map<string, Array<LogLine | LogMark>>()
    const operations = new Map<string, Array<RingEvent>>()
    for (const event of events) {
      if (event._tag === "LogLine" || event._tag === "LogMark") append(logs, event.containerId, event)
      else this.gatherOperation(operations, event)
    }
    for (const [containerId, elements] of logs) {
      if (this.rooms.get(containerLogsRoom(containerId))?.claimed !== true) this.publishLogs(containerId, elements)
    }
    for (const [room, batch] of operations) this.publish(room, batch)
  }

  broadcast = (message: ServerMessage): void => {
    const frame = Buffer.from(JSON.stringify([message]))
    for (const viewer of this.connected) viewer.write(frame)
  }

  nameContainer = (containerId: string, name: string): void => {
    if (this.containers.get(containerId)?.name === name) return
    this.containers.set(containerId, { name, head: containerHead(containerId, name) })
  }

  claim = (room: string): void => {
    this.room(room).claimed = true
  }

  forget = (name: string): void => {
    const room = this.rooms.get(name)
    if (room === undefined) return
    room.claimed = false
    if (room.members.size === 0) this.drop(name, room)
  }

  whenWanted = (name: string): Effect.Effect<void> =>
    Effect.async<void>((resume) => {
      const room = this.rooms.get(name)
      if (room === undefined || !this.isBehind(room)) return resume(Effect.void)
      const wake = () => resume(Effect.void)
      room.waiters.add(wake)
      return Effect.sync(() => room.waiters.delete(wake))
    })

  closeAll = (code: number, reason: string): void => {
    for (const viewer of this.connected) viewer.close(code, reason)
  }

  /** Every second: gives up who stands still. */
  checkViewers = (): void => {
    const now = Date.now()
    for (const viewer of this.connected) viewer.checkStall(now)
  }

  /** Now and then: lets go of what is too old, and of rooms in which nothing happens and nobody is. */
  sweep = (): void => {
    const now = Date.now()
    for (const [name, room] of this.rooms) {
      const before = room.ring.characters
      room.ring.evict(now)
      this.characters += room.ring.characters - before
      const idle = room.members.size === 0 && !room.claimed && now - room.ring.lastPush > this.options.ring.age
      if (idle) this.drop(name, room)
    }
  }

  private room(name: string): Room {
    const known = this.rooms.get(name)
    if (known !== undefined) return known
    // A room that was dropped and made again counts from 1 again, so it must not have an epoch that was used before.
    const epoch = `${this.epoch}${this.generation.toString(36)}`
    const ring = new Ring(name, epoch, this.options.ring, this.options.frameCharacters, Date.now())
    const room: Room = { ring, members: new Set(), waiters: new Set(), claimed: false }
    this.rooms.set(name, room)
    return room
  }

  private drop(name: string, room: Room): void {
    this.rooms.delete(name)
    if (name.startsWith(containerLogsPrefix)) this.containers.delete(name.slice(containerLogsPrefix.length))
    this.characters -= room.ring.characters
    if (room.ring.seq > 0) this.generation++
    for (const wake of room.waiters) wake()
  }

  private containerHead(containerId: string): LineHead {
    const known = this.containers.get(containerId)
    if (known !== undefined) return known.head
    this.nameContainer(containerId, containerId.slice(0, 12))
    return this.containerHead(containerId)
  }

  private gatherOperation(into: Map<string, Array<RingEvent>>, event: OperationEvent): void {
    const head = this.runs.get(event.logId) ?? operationHead(event)
    if (isOperationEnded(event)) this.runs.delete(event.logId)
    else this.runs.set(event.logId, head)
    const item = operationEvent(event, head)
    if (item === undefined) return
    for (const room of operationRooms(event.logId, event.target)) append(into, room, item)
  }

  /** Whether all who are in the room have much still to read. */
  private isBehind(room: Room): boolean {
    const { characters, lines } = this.options.ring
    let behind = false
    for (const { next, viewer } of room.members) {
      if (viewer.closed) continue
      if (room.ring.backlog(next) < characters / 4 && room.ring.seq + 1 - next < lines / 4) return false
      behind = true
    }
    return behind
  }

  private relieve(name: string): void {
    const room = this.rooms.get(name)
    if (room === undefined || room.waiters.size === 0 || this.isBehind(room)) return
    const waiters = [...room.waiters]
    room.waiters.clear()
    for (const wake of waiters) wake()
  }

  /** Over the budget: first the room that was quiet the longest with nobody in it goes, then the largest gives half. */
  private fitBudget(): void {
    while (this.characters > this.options.characters) {
      let quiet: [string, Room] | undefined
      let largest: Room | undefined
      for (const [name, room] of this.rooms) {
        if (
          room.members.size === 0 &&
          !room.claimed &&
          (quiet === undefined || room.ring.lastPush < quiet[1].ring.lastPush)
        ) {
          quiet = [name, room]
        }
        if (largest === undefined || room.ring.characters > largest.ring.characters) largest = room
      }
      if (quiet !== undefined && quiet[1] !== largest) {
        this.drop(...quiet)
        continue
      }
      if (largest === undefined) return
      const before = largest.ring.characters
      largest.ring.halve()
      this.characters += largest.ring.characters - before
      if (largest.ring.characters === before) return
    }
  }
}

const append = <A>(into: Map<string, Array<A>>, key: string, value: A): void => {
  const known = into.get(key)
  if (known === undefined) into.set(key, [value])
  else known.push(value)
}

const hasPosition = <A extends object>(element: A): element is A & { readonly position: LogPosition } =>
  "position" in element && element.position instanceof LogPosition

const make = (options: HubOptions) =>
  Effect.gen(function* () {
    const rooms = new Rooms(options)
    const every = (milliseconds: number, run: () => void) =>
      Effect.acquireRelease(
        Effect.sync(() => setInterval(run, milliseconds).unref()),
        (timer) => Effect.sync(() => clearInterval(timer))
      )
    yield* every(1_000, rooms.checkViewers)
    yield* every(10_000, rooms.sweep)
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => rooms.closeAll(CloseCode.goingAway, "the server shuts down: come back later"))
    )
    return rooms
  })

/**
 * The rooms of the server: each with its members, its numbers and what it remembers. What is published goes to every
 * viewer in the room as the same bytes, at once where nothing is being written to the viewer, else with what came
 * meanwhile. A viewer who reads slowly is fed from the room's memory and holds nobody back.
 */
export class Hub extends Context.Tag("@dockwire/server/Hub")<Hub, HubShape & Pick<Rooms, "offer">>() {
  /** A hub with other limits. */
  static readonly layerWith = (options: Partial<HubOptions>): Layer.Layer<Hub> =>
    Layer.scoped(Hub, make({ ...defaultHubOptions, ...options }))

  /** A hub with the default limits. */
  static readonly layer: Layer.Layer<Hub> = Hub.layerWith({})

  /**
   * The hub as the place where log events go: a container's lines and marks to `container_logs_<id>`, an operation's to
   * `docker_logs`, `operation_<log id>`, `docker_config_<config id>` and `docker_image_<name>`.
   */
  static readonly layerSink: Layer.Layer<LogSink, never, Hub> = Layer.effect(
    LogSink,
    Effect.map(Hub, (hub) => ({ offer: hub.offer, flush: Effect.void }))
  )
}
