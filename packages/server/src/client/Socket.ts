import type { ClientMessage, DockerLog, ServerFrame, ServerMessage } from "../Wire.js"
import { CloseCode, shouldReconnect } from "../Wire.js"
import { makeBackoff } from "./Backoff.js"
import type { DockerLogEvent, Listener, EventOrigin, SocketEvents } from "./SocketEvents.js"
import type { Arrival, Ask, Forget } from "./Subscriptions.js"
import { Subscriptions } from "./Subscriptions.js"
import type { Transport, WebSocketConstructor, WebSocketLike } from "./Transport.js"
import { NotAllowed } from "./Transport.js"

/** How to connect. */
export interface SocketOptions {
  /**
   * The server's token. In Node it goes as a header. A browser trades it for a one-time ticket at each connection; a page of the server's
   * own needs none, for its cookie says who it is.
   */
  readonly token?: string
  /** A WebSocket to use instead of the platform's own. It gets the token as a ticket. */
  readonly WebSocket?: WebSocketConstructor
  /** The first delay before coming back, in milliseconds: 500 when not given. */
  readonly reconnectDelay?: number
  /** The longest delay before coming back, in milliseconds: 10,000 when not given. */
  readonly reconnectDelayMax?: number
  /** An attempt that leads nowhere is given up after this time, in milliseconds: 10,000 when not given. */
  readonly connectTimeout?: number
}

/** A connection that comes back by itself, and what is followed over it. */
export interface Socket {
  /** Whether the connection stands now. */
  readonly connected: boolean
  /** Calls `listener` at each such event, until `off`. */
  on<E extends keyof SocketEvents>(event: E, listener: Listener<E>): Socket
  /** No longer calls `listener`, or any listener of this event when none is given. */
  off<E extends keyof SocketEvents>(event: E, listener?: Listener<E>): Socket
  /**
   * Says something to the server. `join` and `stream_container_*` are remembered until `leave` or `stop_container_*`: said before the
   * connection stands, or when it is cut, they are said (again) as soon as it does, from where the room was read to.
   */
  emit<E extends ClientMessage["event"]>(event: E, data: Extract<ClientMessage, { event: E }>["data"]): Socket
  /** Connects now: after `disconnect`, after the server refused this client, or instead of waiting for the next attempt. */
  connect(): Socket
  /** Closes the connection, and stays away. What is followed stays remembered for `connect`. */
  disconnect(): Socket
}

/** A connection that was good for this long ends a row of failures, in milliseconds. */
const goodAfter = 5000

const isFrame = (value: unknown): value is ServerFrame => Array.isArray(value)

const parse = (text: string): ServerFrame | undefined => {
  try {
    const frame: unknown = JSON.parse(text)
    return isFrame(frame) ? frame : undefined
  } catch {
    return undefined
  }
}

interface Message {
  readonly event: string
  readonly data: unknown
}

const isAsk = (message: Message): message is Ask =>
  message.event === "join" || message.event === "stream_container_logs" || message.event === "stream_container_stats"

const isForget = (message: Message): message is Forget =>
  message.event === "leave" || message.event === "stop_container_logs" || message.event === "stop_container_stats"

/** A container's id, as the application asked for it. */
const asAsked = <D extends { readonly container_id: string | null }>(data: D, arrival: Arrival): D =>
  arrival.container === undefined ? data : { ...data, container_id: arrival.container }

const oldStyle = (data: DockerLog["data"], [timestamp, stream, line, part]: DockerLog["data"]["lines"][number]) => {
  const own = "log_id" in data ? data : undefined
  const event: DockerLogEvent = {
    log_id: own?.log_id ?? null,
    operation_type: data.operation_type,
    config_id: own?.config_id ?? null,
    container_id: data.container_id ?? null,
    image_name: own?.image_name ?? null,
    line,
    timestamp,
    status: data.status,
    stream
  }
  return part === undefined ? event : { ...event, part }
}

/** A socket over `transport`; it begins to connect at once. */
export const makeSocket = (transport: Transport, options: SocketOptions = {}): Socket => {
  const listeners: { readonly [E in keyof SocketEvents]: Set<Listener<E>> } = {
    connect: new Set(),
    disconnect: new Set(),
    reconnecting: new Set(),
    docker_log: new Set(),
    docker_log_batch: new Set(),
    docker_progress: new Set(),
    docker_log_complete: new Set(),
    container_log_mark: new Set(),
    container_status_change: new Set(),
    container_stats: new Set(),
    engine_status: new Set(),
    gap: new Set(),
    joined: new Set(),
    left: new Set(),
    status: new Set(),
    error: new Set()
  }
  const subscriptions = new Subscriptions()
  const backoff = makeBackoff(options.reconnectDelay ?? 500, options.reconnectDelayMax ?? 10_000)
  /** Set while a connection is being made or stands. */
  let current: WebSocketLike | undefined
  /** Counts the attempts, so that a late answer to an old one is known as such. */
  let turn = 0
  let state: "away" | "waiting" | "connecting" | "connected" = "away"
  let everConnected = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let goodTimer: ReturnType<typeof setTimeout> | undefined
  let lateTimer: ReturnType<typeof setTimeout> | undefined

  const fire = <E extends keyof SocketEvents>(event: E, data: SocketEvents[E], origin?: EventOrigin): void => {
    for (const listener of Array.from(listeners[event])) {
      try {
        listener(data, origin)
      } catch (cause) {
        // A listener that fails must not keep the others from their events; the error still shows as uncaught.
        setTimeout(() => {
          throw cause
        })
      }
    }
  }

  const send = (message: Message): void => current?.send(JSON.stringify(message))

  /** The event's place, unless it was seen already; says first what is missing before it. */
  const origin = (
    arrival: Arrival | undefined,
    canonical: string,
    seq: number | undefined
  ): EventOrigin | undefined => {
    if (arrival === undefined) return undefined
    const { hole, room } = arrival
    if (hole !== undefined) {
      const lost = { room, ...hole, reason: "The server skipped these events" }
      fire("gap", lost, { room, canonical })
    }
    return seq === undefined ? { room, canonical } : { room, canonical, seq }
  }

  const lines = (message: DockerLog): void => {
    const arrival = subscriptions.arrive(message, message.data.lines.length)
    const at = origin(arrival, message.room, message.seq)
    if (arrival === undefined || at === undefined || arrival.skip === message.data.lines.length) return
    const shared = asAsked(message.data, arrival)
    const fresh = arrival.skip === 0 ? shared : { ...shared, lines: shared.lines.slice(arrival.skip) }
    const first = at.seq === undefined ? undefined : at.seq + arrival.skip
    fire("docker_log_batch", fresh, first === undefined ? at : { ...at, seq: first })
    if (listeners.docker_log.size === 0) return
    fresh.lines.forEach((line, index) =>
      fire("docker_log", oldStyle(fresh, line), first === undefined ? at : { ...at, seq: first + index })
    )
  }

  const receive = (message: ServerMessage): void => {
    switch (message.event) {
      case "joined":
        if (subscriptions.joined(message)) {
          const { canonical, room } = message.data
          fire("joined", message.data, { room, canonical })
        }
        return
      case "left":
        if (subscriptions.left(message.data.room)) fire("left", message.data)
        return
      case "docker_log":
        return lines(message)
      case "docker_progress":
      case "docker_log_complete":
      case "container_log_mark":
      case "container_stats": {
        const arrival = subscriptions.arrive(message, 1)
        const at = origin(arrival, message.room, message.seq)
        if (arrival === undefined || at === undefined || arrival.skip > 0) return
        // One by one, for the compiler sees only so how an event and its data belong together.
        if (message.event === "docker_progress") fire(message.event, asAsked(message.data, arrival), at)
        else if (message.event === "docker_log_complete") fire(message.event, asAsked(message.data, arrival), at)
        else if (message.event === "container_log_mark") fire(message.event, asAsked(message.data, arrival), at)
        else fire(message.event, asAsked(message.data, arrival), at)
        return
      }
      case "gap": {
        const arrival = subscriptions.gap(message)
        if (arrival === undefined || arrival.skip > 0) return
        // It says itself what is missing before it.
        const at = origin({ ...arrival, hole: undefined }, message.room, message.seq)
        fire("gap", { ...message.data, room: arrival.room }, at)
        return
      }
      case "error":
        subscriptions.refused(message.data.about)
        return fire("error", message.data)
      case "container_status_change":
        return fire("container_status_change", message.data)
      case "engine_status":
        return fire("engine_status", message.data)
      case "status":
        return fire("status", message.data)
    }
  }

  const ended = (code: number, reason: string): void => {
    const was = state === "connected"
    const reconnects = shouldReconnect(code)
    const mine = ++turn
    current = undefined
    state = "away"
    clearTimeout(goodTimer)
    clearTimeout(lateTimer)
    subscriptions.disconnected()
    if (was || !reconnects) fire("disconnect", { code, reason, reconnects })
    if (!reconnects) {
      const name =
        code === CloseCode.notAllowed
          ? "not_allowed"
          : code === CloseCode.notThisProtocol
            ? "not_this_protocol"
            : "closed"
      fire("error", { code: name, message: reason || `The server closed the connection (${code})` })
      return
    }
    // A listener may have connected or disconnected by itself.
    if (mine !== turn) return
    state = "waiting"
    const delay = backoff.next()
    timer = setTimeout(open, delay)
    fire("reconnecting", { attempt: backoff.attempts(), delay })
  }

  const opened = (): void => {
    state = "connected"
    clearTimeout(lateTimer)
    goodTimer = setTimeout(backoff.reset, goodAfter)
    for (const ask of subscriptions.resume()) send(ask)
    const reconnected = everConnected
    everConnected = true
    fire("connect", { reconnected })
  }

  const open = (): void => {
    clearTimeout(timer)
    const mine = ++turn
    state = "connecting"
    lateTimer = setTimeout(() => {
      const socket = current
      ended(1006, "The server did not answer")
      socket?.close()
    }, options.connectTimeout ?? 10_000)
    transport().then(
      (socket) => {
        // What failed is told by `close`, which always follows. Before all else: closing one that connects is an error too.
        socket.addEventListener("error", () => {})
        if (mine !== turn) return socket.close()
        current = socket
        socket.addEventListener("open", () => {
          if (mine === turn) opened()
        })
        socket.addEventListener("message", ({ data }) => {
          if (mine !== turn || typeof data !== "string") return
          const frame = parse(data)
          if (frame === undefined) {
            fire("error", {
              code: "not_this_protocol",
              message: "The server sent something that is not of this protocol"
            })
            return
          }
          for (const message of frame) if (mine === turn) receive(message)
        })
        socket.addEventListener("close", ({ code, reason }) => {
          if (mine === turn) ended(code, reason)
        })
      },
      (cause: unknown) => {
        if (mine !== turn) return
        if (cause instanceof NotAllowed) ended(CloseCode.notAllowed, cause.message)
        else ended(1006, cause instanceof Error ? cause.message : String(cause))
      }
    )
  }

  const disconnect = (): void => {
    clearTimeout(timer)
    const socket = current
    const was = state === "connected"
    turn++
    current = undefined
    state = "away"
    clearTimeout(goodTimer)
    clearTimeout(lateTimer)
    subscriptions.disconnected()
    socket?.close(1000)
    if (was) fire("disconnect", { code: 1000, reason: "Disconnected by the application", reconnects: false })
  }

  const tell = (message: Message): void => {
    const connected = state === "connected"
    if (isAsk(message)) {
      for (const each of subscriptions.add(message, connected)) send(each)
    } else if (isForget(message)) {
      for (const each of subscriptions.remove(message, connected)) send(each)
    } else if (connected) {
      // Of a page without types: the server says what is wrong with it.
      send(message)
    }
  }

  const socket: Socket = {
    get connected() {
      return state === "connected"
    },
    on: (event, listener) => {
      listeners[event]?.add(listener)
      return socket
    },
    off: (event, listener) => {
      if (listener === undefined) listeners[event]?.clear()
      else listeners[event]?.delete(listener)
      return socket
    },
    emit: (event, data) => {
      tell({ event, data })
      return socket
    },
    connect: () => {
      if (state === "away" || state === "waiting") open()
      return socket
    },
    disconnect: () => {
      disconnect()
      return socket
    }
  }
  open()
  return socket
}
