import * as Effect from "effect/Effect"
import { operationPrefix } from "../Wire.js"
import { runEpoch } from "./events/operationEvents.js"
import type { HubOptions } from "./HubOptions.js"
import type { RoomListening, RoomLogShape, RoomNews, RoomPlace } from "./log/RoomLogShape.js"
import type { Membership } from "./Membership.js"
import { Ring } from "./Ring.js"
import type { RoomEvent } from "./events/RoomEvent.js"
import type { Viewer } from "./Viewer.js"

interface Room {
  readonly ring: Ring
  readonly members: Set<Membership>
  readonly demandListeners: Set<() => void>
  /** Whether a follower publishes to the room. */
  claimed: boolean
  listening: RoomListening | undefined
}

/** All rooms of a hub: their members, what their rings hear from the log, and the memory that the rings share. */
export class RoomRegistry {
  /** The bytes that all rings together take. */
  private bytes = 0
  /** How many events the rooms have had. */
  heardEvents = 0
  private readonly rooms = new Map<string, Room>()

  constructor(
    private readonly log: RoomLogShape,
    private readonly options: HubOptions,
    private readonly onDropped: (room: string) => void
  ) {}

  join(viewer: Viewer, name: string, requestedRoom: string): Membership {
    const current = viewer.membership(name)
    if (current !== undefined) {
      current.requestedRoom = requestedRoom
      return current
    }
    const { members, ring } = this.room(name)
    const next = ring.seq + 1
    const position = ring.positionAt(ring.seq)
    const flags = { suspended: false, hasDelivered: false }
    const membership: Membership = { viewer, ring, requestedRoom, joinedAt: next, next, position, ...flags }
    members.add(membership)
    viewer.add(membership)
    this.checkDemand(name)
    return membership
  }

  leave(viewer: Viewer, name: string): Membership | undefined {
    const membership = viewer.remove(name)
    if (membership === undefined) return undefined
    const room = this.rooms.get(name)
    room?.members.delete(membership)
    // Drop a room without history at once: clients can make up any number of room names.
    if (room !== undefined && room.members.size === 0 && !room.claimed && room.ring.isEmpty) this.drop(name, room)
    else this.checkDemand(name)
    return membership
  }

  /** The ring of a room. Creates the room if there is none. */
  ring(name: string): Ring {
    return this.room(name).ring
  }

  findRing(name: string): Ring | undefined {
    return this.rooms.get(name)?.ring
  }

  /** How many rooms there are. */
  get size(): number {
    return this.rooms.size
  }

  memberCount(name: string): number {
    return this.rooms.get(name)?.members.size ?? 0
  }

  /** Adds events to the room's log. `at` is the place of the first one in a room that is numbered by its writer. */
  publish(name: string, events: ReadonlyArray<RoomEvent>, at?: RoomPlace): void {
    if (events.length === 0) return
    this.room(name)
    this.log.offer(name, events, at)
  }

  claim(name: string): void {
    this.room(name).claimed = true
  }

  isClaimed(name: string): boolean {
    return this.rooms.get(name)?.claimed === true
  }

  unclaim(name: string): void {
    const room = this.rooms.get(name)
    if (room === undefined) return
    room.claimed = false
    if (room.members.size === 0) this.drop(name, room)
  }

  awaitDemand(name: string): Effect.Effect<void> {
    return Effect.async<void>((resume) => {
      const room = this.rooms.get(name)
      if (room === undefined || !this.isLagging(room)) return resume(Effect.void)
      const listener = () => resume(Effect.void)
      room.demandListeners.add(listener)
      return Effect.sync(() => room.demandListeners.delete(listener))
    })
  }

  /** Resumes what awaits demand in the room, if there is demand now. */
  checkDemand(name: string): void {
    const room = this.rooms.get(name)
    if (room === undefined || room.demandListeners.size === 0 || this.isLagging(room)) return
    const listeners = [...room.demandListeners]
    room.demandListeners.clear()
    for (const listener of listeners) listener()
  }

  /** Evicts events that are too old, and drops rooms that nobody is in and that have been quiet for as long. */
  sweep(): void {
    const now = Date.now()
    for (const [name, room] of this.rooms) {
      const before = room.ring.bytes
      room.ring.evict(now)
      room.ring.dropFrames()
      this.bytes += room.ring.bytes - before
      const idle = room.members.size === 0 && !room.claimed && now - room.ring.lastPush > this.options.ring.age
      if (idle) this.drop(name, room)
    }
  }

  private room(name: string): Room {
    const existing = this.rooms.get(name)
    if (existing !== undefined) return existing
    const ownEpoch = name.startsWith(operationPrefix) ? runEpoch(name.slice(operationPrefix.length)) : undefined
    const ring = new Ring(name, ownEpoch ?? "", this.options.ring, this.options.frameCharacters, Date.now())
    const room: Room = {
      ring,
      members: new Set(),
      demandListeners: new Set(),
      claimed: false,
      listening: undefined
    }
    this.rooms.set(name, room)
    // The room of a run is numbered by the run.
    const place = ownEpoch === undefined ? undefined : { epoch: ownEpoch, seq: 0 }
    room.listening = this.log.listen(name, place, (news) => this.hear(room, news))
    return room
  }

  private hear(room: Room, news: RoomNews): void {
    const { members, ring } = room
    const before = ring.bytes
    switch (news._tag) {
      case "Events":
        this.heardEvents += news.events.length
        ring.push(news.events, Date.now())
        break
      case "Gone":
        ring.skip(news.to)
        break
      case "Anew":
        ring.begin(news.epoch)
        // Their numbers are of another epoch: they have to catch up with their positions.
        for (const membership of members) membership.next = 0
    }
    this.bytes += ring.bytes - before
    for (const membership of members) membership.viewer.notify(membership)
    if (this.bytes > this.options.bytes) this.enforceBudget()
  }

  private drop(name: string, room: Room): void {
    this.rooms.delete(name)
    this.onDropped(name)
    this.bytes -= room.ring.bytes
    room.listening?.stop()
    for (const listener of room.demandListeners) listener()
  }

  /** Whether every member lags by more than a quarter of what the ring may hold. */
  private isLagging(room: Room): boolean {
    const { bytes, lines } = this.options.ring
    let lagging = false
    for (const { next, viewer } of room.members) {
      if (viewer.closed) continue
      if (room.ring.backlog(next) < bytes / 4 && room.ring.seq + 1 - next < lines / 4) return false
      lagging = true
    }
    return lagging
  }

  /** Drops the empty room that has been quiet the longest. If there is none, or it has the largest ring, halves the largest ring. */
  private enforceBudget(): void {
    while (this.bytes > this.options.bytes) {
      let quietest: [string, Room] | undefined
      let largest: Room | undefined
      for (const [name, room] of this.rooms) {
        const isEmpty = room.members.size === 0 && !room.claimed
        if (isEmpty && (quietest === undefined || room.ring.lastPush < quietest[1].ring.lastPush)) {
          quietest = [name, room]
        }
        if (largest === undefined || room.ring.bytes > largest.ring.bytes) largest = room
      }
      if (quietest !== undefined && quietest[1] !== largest) {
        this.drop(...quietest)
        continue
      }
      if (largest === undefined) return
      const before = largest.ring.bytes
      largest.ring.halve()
      this.bytes += largest.ring.bytes - before
      if (largest.ring.bytes === before) return
    }
  }
}
