import type { ClientMessage, Gap, Joined } from "../Wire.js"
import { containerLogsPrefix, containerLogsRoom, containerStatsPrefix, containerStatsRoom } from "../Wire.js"

/** A message that asks for a room. */
export type Ask = Extract<ClientMessage, { event: "join" | "stream_container_logs" | "stream_container_stats" }>

/** A message that wants no more of a room. */
export type Forget = Extract<ClientMessage, { event: "leave" | "stop_container_logs" | "stop_container_stats" }>

/** How far a room has been read. */
interface Room {
  readonly canonical: string
  /** The strings that it was asked with; the last is given back to the application. */
  readonly asked: Array<string>
  epoch: string | undefined
  /** The number of the last event seen; undefined when the next may have any number. */
  last: number | undefined
  position: string | undefined
  /** Whether the room was joined on the connection that stands now. */
  joined: boolean
}

interface Subscription {
  ask: Ask
  room: Room | undefined
}

/** What an event of a room means to the application. */
export interface Arrival {
  readonly room: string
  /** The container as the application asked for it, in a container's room. */
  readonly container: string | undefined
  /** How many of the message's first events were seen before. */
  readonly skip: number
  /** Events that must have been there, and came neither as themselves nor as a `gap`. */
  readonly hole: { readonly from: number; readonly to: number } | undefined
}

/** The string by which a message names its room; `joined` and `left` bring it back. */
export const roomAsked = (message: Ask | Forget): string => {
  switch (message.event) {
    case "join":
    case "leave":
      return message.data.room
    case "stream_container_logs":
    case "stop_container_logs":
      return message.data.room ?? containerLogsRoom(message.data.container_id)
    case "stream_container_stats":
    case "stop_container_stats":
      return containerStatsRoom(message.data.container_id)
  }
}

const containerAsked = (ask: Ask): string | undefined => {
  if (ask.event !== "join") return ask.data.container_id
  for (const prefix of [containerLogsPrefix, containerStatsPrefix]) {
    if (ask.data.room.startsWith(prefix)) return ask.data.room.slice(prefix.length)
  }
  return undefined
}

const withPosition = (ask: Ask, position: string | undefined): Ask => {
  if (position === undefined) return ask
  switch (ask.event) {
    case "join":
      return { event: ask.event, data: { ...ask.data, position } }
    case "stream_container_logs":
      return { event: ask.event, data: { ...ask.data, position } }
    case "stream_container_stats":
      return ask
  }
}

/** What the application follows, and how far it has read: outlives every connection. */
export class Subscriptions {
  readonly #asked = new Map<string, Subscription>()
  readonly #rooms = new Map<string, Room>()
  /** How many answers to a `leave` are on their way: what comes before them belongs to what was left. */
  readonly #leaving = new Map<string, number>()

  /** What to send. Asking again for what is followed already changes nothing, but for how often figures come. */
  add(ask: Ask, connected: boolean): ReadonlyArray<ClientMessage> {
    const name = roomAsked(ask)
    const known = this.#asked.get(name)
    if (known === undefined) {
      this.#asked.set(name, { ask, room: undefined })
      return connected ? [ask] : []
    }
    if (known.ask.event === "join" && ask.event !== "join") {
      // Joined, and now its history is wanted too: start anew, for the history would look as if it had been seen.
      const leave: Forget = { event: "leave", data: { room: name } }
      const left = this.remove(leave, connected)
      this.#asked.set(name, { ask, room: undefined })
      return connected ? [...left, ask] : []
    }
    if (ask.event !== "stream_container_stats" || JSON.stringify(known.ask) === JSON.stringify(ask)) return []
    known.ask = ask
    return connected ? [ask] : []
  }

  /** What to send: nothing while the room is still followed under another name. */
  remove(forget: Forget, connected: boolean): ReadonlyArray<ClientMessage> {
    const named = this.#named(forget)
    const name = roomAsked(named)
    const known = this.#asked.get(name)
    this.#asked.delete(name)
    if (known?.room !== undefined && this.#unname(known.room, name)) return []
    if (!connected) return []
    if (known !== undefined) this.#leaving.set(name, (this.#leaving.get(name) ?? 0) + 1)
    return [named]
  }

  /** What to send on a new connection. */
  resume(): ReadonlyArray<Ask> {
    const asks: Array<Ask> = []
    for (const { ask, room } of this.#asked.values()) asks.push(withPosition(ask, room?.position))
    return asks
  }

  /** The connection is gone, and with it every answer that was on its way. */
  disconnected(): void {
    this.#leaving.clear()
    for (const room of this.#rooms.values()) room.joined = false
  }

  /** Whether somebody still waits for this. */
  joined(message: Joined): boolean {
    const { canonical, epoch, room: name } = message.data
    const subscription = this.#asked.get(name)
    if (subscription === undefined || this.#leaving.has(name)) return false
    let room = this.#rooms.get(canonical)
    if (room === undefined) {
      room = { canonical, asked: [], epoch: undefined, last: undefined, position: undefined, joined: false }
      this.#rooms.set(canonical, room)
    }
    if (subscription.room !== undefined && subscription.room !== room) this.#unname(subscription.room, name)
    subscription.room = room
    if (!room.asked.includes(name)) room.asked.push(name)
    if (room.epoch !== epoch) {
      room.epoch = epoch
      room.last = undefined
    }
    // Joined a second time under another name, the room is already further than this answer says.
    if (!room.joined) room.position = message.position
    room.joined = true
    return true
  }

  /** Whether somebody still waits for this. */
  left(name: string): boolean {
    const waiting = this.#leaving.get(name)
    if (waiting !== undefined) {
      if (waiting > 1) this.#leaving.set(name, waiting - 1)
      else this.#leaving.delete(name)
      return true
    }
    // The server ended it.
    const known = this.#asked.get(name)
    if (known === undefined) return false
    this.#asked.delete(name)
    if (known.room !== undefined) this.#unname(known.room, name)
    return true
  }

  /** The server refused something: an answer to a `leave` of it may never come. */
  refused(about: string | undefined): void {
    if (about === undefined) return
    for (const name of [about, containerLogsRoom(about), containerStatsRoom(about)]) this.#leaving.delete(name)
  }

  /** Takes note of `count` events of a room; undefined when nobody follows it (any more). */
  arrive(
    message: { readonly room: string; readonly seq?: number; readonly position?: string },
    count: number
  ): Arrival | undefined {
    const room = this.#rooms.get(message.room)
    const asked = room?.asked.at(-1)
    if (room === undefined || asked === undefined) return undefined
    const subscription = this.#asked.get(asked)
    const container = subscription && containerAsked(subscription.ask)
    const { seq } = message
    let skip = 0
    let hole: Arrival["hole"]
    if (seq !== undefined) {
      const { last } = room
      if (last !== undefined) {
        if (seq > last + 1) hole = { from: last + 1, to: seq - 1 }
        skip = Math.min(count, Math.max(0, last + 1 - seq))
      }
      room.last = Math.max(last ?? 0, seq + count - 1)
    }
    if (skip < count || count === 0) room.position = message.position ?? room.position
    return { room: asked, container, skip, hole }
  }

  /** The server says itself what is missing, so the numbers may go on from there. */
  gap(message: Gap): Arrival | undefined {
    const room = this.#rooms.get(message.room)
    if (room !== undefined && message.seq === undefined) {
      const { to } = message.data
      if (typeof to !== "number") room.last = undefined
      else if (room.last !== undefined) room.last = Math.max(room.last, to)
    }
    return this.arrive(message, 1)
  }

  /** A log may have been asked for under a room of the application's choice, and be stopped without it. */
  #named(forget: Forget): Forget {
    if (forget.event !== "stop_container_logs" || this.#asked.has(roomAsked(forget))) return forget
    const { container_id } = forget.data
    for (const [room, { ask }] of this.#asked) {
      const same = ask.event === "stream_container_logs" && ask.data.container_id === container_id
      if (same) return { event: forget.event, data: { container_id, room } }
    }
    return forget
  }

  /** Whether the room has another name left. */
  #unname(room: Room, name: string): boolean {
    const at = room.asked.indexOf(name)
    if (at >= 0) room.asked.splice(at, 1)
    if (room.asked.length > 0) return true
    this.#rooms.delete(room.canonical)
    return false
  }
}
