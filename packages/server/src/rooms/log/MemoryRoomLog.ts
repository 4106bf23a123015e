import type { LogPosition } from "@dockwire/core/LogPosition"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { randomBytes } from "node:crypto"
import type { RoomEvent } from "../events/RoomEvent.js"
import {
  NotHeld,
  type RoomHold,
  type RoomListening,
  type RoomLogShape,
  type RoomNews,
  type RoomPlace
} from "./RoomLogShape.js"

/** What the log knows of a room. */
interface LoggedRoom {
  epoch: string
  /** The number of the last event. */
  seq: number
  point: LogPosition | undefined
  readonly listeners: Set<(news: RoomNews) => void>
  /** Permits one writer at a time. */
  readonly turn: Effect.Semaphore
  /** Who holds the room, or waits for it. */
  holders: number
}

/** The log of the rooms of one process: numbers events, and calls the listeners at once. */
export class MemoryRoomLog implements RoomLogShape {
  private readonly started = Date.now().toString(36) + randomBytes(4).toString("hex")
  private generation = 0
  private readonly rooms = new Map<string, LoggedRoom>()

  readonly flush = Effect.void

  available = (): boolean => true

  listen = (name: string, after: RoomPlace | undefined, hear: (news: RoomNews) => void): RoomListening => {
    const known = this.rooms.get(name)
    const room = known ?? this.create(name, after)
    room.listeners.add(hear)
    if (after?.epoch !== room.epoch) hear({ _tag: "Anew", epoch: room.epoch })
    const heard = after?.epoch === room.epoch ? after.seq : 0
    if (heard > room.seq) room.seq = heard
    else if (heard < room.seq) hear({ _tag: "Gone", epoch: room.epoch, from: heard + 1, to: room.seq })
    return {
      heard: Effect.void,
      stop: () => {
        room.listeners.delete(hear)
        this.forgetIfUnused(name, room)
      }
    }
  }

  offer = (name: string, events: ReadonlyArray<RoomEvent>, at?: RoomPlace): void => {
    const room = this.rooms.get(name)
    // Nobody remembers the room, so there is nothing to number.
    if (room === undefined || events.length === 0) return
    if (at === undefined) return this.add(room, events)
    if (at.epoch !== room.epoch) this.begin(room, at.epoch)
    if (at.seq > room.seq + 1) this.skip(room, at.seq - 1)
    const present = room.seq + 1 - at.seq
    if (present === 0) this.add(room, events)
    else if (present < events.length) this.add(room, events.slice(present))
  }

  hold = (name: string): Effect.Effect<RoomHold, never, Scope.Scope> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.suspend(() => {
        const room = this.rooms.get(name) ?? this.create(name, undefined)
        room.holders++
        const leave = () => {
          room.holders--
          this.forgetIfUnused(name, room)
        }
        let isHeld = true
        const release = Effect.suspend(() => {
          isHeld = false
          leave()
          return room.turn.release(1)
        })
        const append = (events: ReadonlyArray<RoomEvent>) =>
          Effect.suspend(() => {
            if (!isHeld) return Effect.fail(new NotHeld({ room: name }))
            if (events.length > 0) this.add(room, events)
            return Effect.void
          })
        return restore(room.turn.take(1)).pipe(
          Effect.onInterrupt(() => Effect.sync(leave)),
          Effect.andThen(Effect.addFinalizer(() => release)),
          Effect.map(() => ({ point: () => room.point, append, lost: Effect.never }))
        )
      })
    )

  private add(room: LoggedRoom, events: ReadonlyArray<RoomEvent>): void {
    const first = room.seq + 1
    room.seq += events.length
    room.point = lastPoint(events) ?? room.point
    const news: RoomNews = { _tag: "Events", epoch: room.epoch, first, events }
    for (const hear of room.listeners) hear(news)
  }

  private skip(room: LoggedRoom, to: number): void {
    const news: RoomNews = { _tag: "Gone", epoch: room.epoch, from: room.seq + 1, to }
    room.seq = to
    for (const hear of room.listeners) hear(news)
  }

  private begin(room: LoggedRoom, epoch: string): void {
    room.epoch = epoch
    room.seq = 0
    room.point = undefined
    for (const hear of room.listeners) hear({ _tag: "Anew", epoch })
  }

  private create(name: string, place: RoomPlace | undefined): LoggedRoom {
    // A room that was forgotten starts over at 1, so it needs an epoch that it has not had before.
    const { epoch, seq } = place ?? { epoch: `${this.started}${this.generation.toString(36)}`, seq: 0 }
    const turn = Effect.unsafeMakeSemaphore(1)
    const room: LoggedRoom = { epoch, seq, point: undefined, listeners: new Set(), turn, holders: 0 }
    this.rooms.set(name, room)
    return room
  }

  private forgetIfUnused(name: string, room: LoggedRoom): void {
    if (room.listeners.size > 0 || room.holders > 0 || this.rooms.get(name) !== room) return
    this.rooms.delete(name)
    if (room.seq > 0) this.generation++
  }
}

const lastPoint = (events: ReadonlyArray<RoomEvent>): LogPosition | undefined => {
  for (let index = events.length - 1; index >= 0; index--) {
    const point = events[index]?.logPosition
    if (point !== undefined) return point
  }
  return undefined
}
