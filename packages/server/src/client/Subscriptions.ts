import type { ClientMessage, GapMessage, JoinedMessage } from "../Wire.js"
import { containerLogsPrefix, containerLogsRoom, containerStatsPrefix, containerStatsRoom } from "../Wire.js"

/** A message that subscribes to a room. */
export type SubscribeMessage = Extract<
  ClientMessage,
  { event: "join" | "stream_container_logs" | "stream_container_stats" }
>

/** A message that unsubscribes from a room. */
export type UnsubscribeMessage = Extract<
  ClientMessage,
  { event: "leave" | "stop_container_logs" | "stop_container_stats" }
>

/** How far a room has been read. */
interface Room {
  readonly canonical: string
  /** The names that the application uses for it. Events are reported under the last one. */
  readonly names: Array<string>
  epoch: string | undefined
  /** The `seq` of the last event received; undefined while the next event may have any. */
  lastSeq: number | undefined
  position: string | undefined
  /** Whether the server has confirmed the subscription on the current connection. */
  joined: boolean
}

interface Subscription {
  message: SubscribeMessage
  room: Room | undefined
}

/** How to report events of a room to the application. */
export interface Delivery {
  /** The room's name as the application subscribed to it. */
  readonly room: string
  /** In a container's room: the id or name that the application subscribed with. */
  readonly container: string | undefined
  /** How many events at the start of the message have been delivered before. */
  readonly skip: number
  /** The sequence numbers just before the message that arrived neither as events nor as a `gap`. */
  readonly missing: { readonly from: number; readonly to: number } | undefined
}

/** The name by which a message refers to its room; `joined` and `left` echo it. */
const roomName = (message: SubscribeMessage | UnsubscribeMessage): string => {
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

const containerName = (message: SubscribeMessage): string | undefined => {
  if (message.event !== "join") return message.data.container_id
  for (const prefix of [containerLogsPrefix, containerStatsPrefix]) {
    if (message.data.room.startsWith(prefix)) return message.data.room.slice(prefix.length)
  }
  return undefined
}

const withPosition = (message: SubscribeMessage, position: string | undefined): SubscribeMessage => {
  if (position === undefined) return message
  switch (message.event) {
    case "join":
      return { event: message.event, data: { ...message.data, position } }
    case "stream_container_logs":
      return { event: message.event, data: { ...message.data, position } }
    case "stream_container_stats":
      return message
  }
}

/** The rooms that the application subscribed to and how far each has been read. Survives reconnects. */
export class Subscriptions {
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #rooms = new Map<string, Room>()
  /** Pending answers to `leave`, by room name: events that arrive before the answer belong to the old subscription. */
  readonly #leaving = new Map<string, number>()

  /** Returns what to send. Repeating a subscription sends nothing, unless the interval of `container_stats` changed. */
  subscribe(message: SubscribeMessage, connected: boolean): ReadonlyArray<ClientMessage> {
    const name = roomName(message)
    const existing = this.#subscriptions.get(name)
    if (existing === undefined) {
      this.#subscriptions.set(name, { message, room: undefined })
      return connected ? [message] : []
    }
    if (existing.message.event === "join" && message.event !== "join") {
      // The room was joined without its history, which would now look like duplicates: leave and subscribe again.
      const left = this.unsubscribe({ event: "leave", data: { room: name } }, connected)
      this.#subscriptions.set(name, { message, room: undefined })
      return connected ? [...left, message] : []
    }
    const isSame = JSON.stringify(existing.message) === JSON.stringify(message)
    if (message.event !== "stream_container_stats" || isSame) return []
    existing.message = message
    return connected ? [message] : []
  }

  /** Returns what to send: nothing while the application still uses the room under another name. */
  unsubscribe(message: UnsubscribeMessage, connected: boolean): ReadonlyArray<ClientMessage> {
    const resolved = this.#resolveRoom(message)
    const name = roomName(resolved)
    const existing = this.#subscriptions.get(name)
    this.#subscriptions.delete(name)
    if (existing?.room !== undefined && this.#removeName(existing.room, name)) return []
    if (!connected) return []
    if (existing !== undefined) this.#leaving.set(name, (this.#leaving.get(name) ?? 0) + 1)
    return [resolved]
  }

  /** Returns what to send on a new connection to resume every room. */
  resume(): ReadonlyArray<SubscribeMessage> {
    return Array.from(this.#subscriptions.values(), ({ message, room }) => withPosition(message, room?.position))
  }

  /** The connection closed: pending answers will not arrive. */
  disconnected(): void {
    this.#leaving.clear()
    for (const room of this.#rooms.values()) room.joined = false
  }

  /** Returns whether the application is still subscribed. */
  joined(message: JoinedMessage): boolean {
    const { canonical, epoch, room: name } = message.data
    const subscription = this.#subscriptions.get(name)
    if (subscription === undefined || this.#leaving.has(name)) return false
    let room = this.#rooms.get(canonical)
    if (room === undefined) {
      room = { canonical, names: [], epoch: undefined, lastSeq: undefined, position: undefined, joined: false }
      this.#rooms.set(canonical, room)
    }
    if (subscription.room !== undefined && subscription.room !== room) this.#removeName(subscription.room, name)
    subscription.room = room
    if (!room.names.includes(name)) room.names.push(name)
    if (room.epoch !== epoch) {
      room.epoch = epoch
      room.lastSeq = undefined
    }
    // If the room was already joined under another name, it has been read further than this answer's position.
    if (!room.joined) room.position = message.position
    room.joined = true
    return true
  }

  /** Returns whether the application should hear about it. */
  left(name: string): boolean {
    const pending = this.#leaving.get(name)
    if (pending !== undefined) {
      if (pending > 1) this.#leaving.set(name, pending - 1)
      else this.#leaving.delete(name)
      return true
    }
    // Not an answer: the server ended the subscription.
    const existing = this.#subscriptions.get(name)
    if (existing === undefined) return false
    this.#subscriptions.delete(name)
    if (existing.room !== undefined) this.#removeName(existing.room, name)
    return true
  }

  /** The server rejected a message about this room or container: a pending `leave` may never be answered. */
  rejected(about: string | undefined): void {
    if (about === undefined) return
    for (const name of [about, containerLogsRoom(about), containerStatsRoom(about)]) this.#leaving.delete(name)
  }

  /** Records `count` events of a room. Returns undefined if the application is not subscribed to it. */
  record(
    message: { readonly room: string; readonly seq?: number; readonly superseded?: number; readonly position?: string },
    count: number
  ): Delivery | undefined {
    const room = this.#rooms.get(message.room)
    const name = room?.names.at(-1)
    if (room === undefined || name === undefined) return undefined
    const subscription = this.#subscriptions.get(name)
    const container = subscription && containerName(subscription.message)
    const { seq } = message
    let skip = 0
    let missing: Delivery["missing"]
    if (seq !== undefined) {
      const { lastSeq } = room
      if (lastSeq !== undefined) {
        const next = seq - (message.superseded ?? 0)
        if (next > lastSeq + 1) missing = { from: lastSeq + 1, to: next - 1 }
        skip = Math.min(count, Math.max(0, lastSeq + 1 - seq))
      }
      room.lastSeq = Math.max(lastSeq ?? 0, seq + count - 1)
    }
    if (skip < count || count === 0) room.position = message.position ?? room.position
    return { room: name, container, skip, missing }
  }

  /** Records a `gap`, so that the sequence numbers it covers do not count as missing. */
  recordGap(message: GapMessage): Delivery | undefined {
    const room = this.#rooms.get(message.room)
    if (room !== undefined && message.seq === undefined) {
      const { to } = message.data
      if (typeof to !== "number") room.lastSeq = undefined
      else if (room.lastSeq !== undefined) room.lastSeq = Math.max(room.lastSeq, to)
    }
    return this.record(message, 1)
  }

  /** Adds the room to a `stop_container_logs` without one, if the application streams that log under a room of its choice. */
  #resolveRoom(message: UnsubscribeMessage): UnsubscribeMessage {
    if (message.event !== "stop_container_logs" || this.#subscriptions.has(roomName(message))) return message
    const { container_id } = message.data
    for (const [room, { message: subscribed }] of this.#subscriptions) {
      const isSameLog = subscribed.event === "stream_container_logs" && subscribed.data.container_id === container_id
      if (isSameLog) return { event: message.event, data: { container_id, room } }
    }
    return message
  }

  /** Returns whether the room has other names left. */
  #removeName(room: Room, name: string): boolean {
    const index = room.names.indexOf(name)
    if (index >= 0) room.names.splice(index, 1)
    if (room.names.length > 0) return true
    this.#rooms.delete(room.canonical)
    return false
  }
}
