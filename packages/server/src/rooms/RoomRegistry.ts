import * as Effect from "effect/Effect"
import { randomBytes } from "node:crypto"
import type { HubOptions } from "./HubOptions.js"
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
}

/** All rooms of a hub: their members, their rings, and the memory that the rings share. */
export class RoomRegistry {
  private readonly epoch = Date.now().toString(36) + randomBytes(4).toString("hex")
  private generation = 0
  /** The bytes that all rings together take. */
  private bytes = 0
  private readonly rooms = new Map<string, Room>()

  constructor(
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
    if (room !== undefined && room.members.size === 0 && !room.claimed && room.ring.seq === 0) this.drop(name, room)
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

  memberCount(name: string): number {
    return this.rooms.get(name)?.members.size ?? 0
  }

  publish(name: string, events: ReadonlyArray<RoomEvent>): void {
    if (events.length === 0) return
    const room = this.room(name)
    const before = room.ring.bytes
    room.ring.push(events, Date.now())
    this.bytes += room.ring.bytes - before
    for (const membership of room.members) membership.viewer.notify(membership)
    if (this.bytes > this.options.bytes) this.enforceBudget()
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
    // A room that is dropped and created again starts over at seq 1, so it needs an epoch that it has not had before.
    const epoch = `${this.epoch}${this.generation.toString(36)}`
    const ring = new Ring(name, epoch, this.options.ring, this.options.frameCharacters, Date.now())
    const room: Room = { ring, members: new Set(), demandListeners: new Set(), claimed: false }
    this.rooms.set(name, room)
    return room
  }

  private drop(name: string, room: Room): void {
    this.rooms.delete(name)
    this.onDropped(name)
    this.bytes -= room.ring.bytes
    if (room.ring.seq > 0) this.generation++
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
