import type { ServerFrame, ServerMessage } from "../Wire.js"
import { CloseCode, shouldReconnect } from "../Wire.js"
import { makeBackoff } from "./Backoff.js"
import type { Transport, WebSocketLike } from "./Transport.js"
import { TokenRejected } from "./Transport.js"

/**
 * When to reconnect and when to give up on an attempt.
 *
 * @since 0.1.0
 * @category models
 */
export interface ReconnectOptions {
  /** The first delay before reconnecting, in milliseconds. Default: 500. */
  readonly reconnectDelay?: number
  /** The longest delay before reconnecting, in milliseconds. Default: 10,000. */
  readonly reconnectDelayMax?: number
  /** How long an attempt to connect may take, in milliseconds. Default: 10,000. */
  readonly connectTimeout?: number
}

/** What a `ServerConnection` reports. */
export interface ConnectionHandlers {
  readonly onOpen: (reconnected: boolean) => void
  readonly onMessage: (message: ServerMessage) => void
  readonly onInvalidFrame: () => void
  /** The connection, or an attempt to connect, ended. `wasOpen` tells the two apart. */
  readonly onClose: (close: {
    readonly code: number
    readonly reason: string
    readonly reconnects: boolean
    readonly wasOpen: boolean
  }) => void
  readonly onReconnecting: (attempt: number, delay: number) => void
}

/** A connection that stayed open this long resets the backoff, in milliseconds. */
const stableAfter = 5000

/** The close code of a connection that ended without a close frame. */
const abnormalClosure = 1006

const isFrame = (value: unknown): value is ServerFrame => Array.isArray(value)

const parseFrame = (text: string): ServerFrame | undefined => {
  try {
    const frame: unknown = JSON.parse(text)
    return isFrame(frame) ? frame : undefined
  } catch {
    return undefined
  }
}

/** One WebSocket at a time to the server, reopened with backoff whenever it closes. */
export class ServerConnection {
  readonly #transport: Transport
  readonly #handlers: ConnectionHandlers
  readonly #backoff
  readonly #connectTimeout: number
  #socket: WebSocketLike | undefined
  #state: "closed" | "waiting" | "connecting" | "open" = "closed"
  /** Identifies the current attempt, so that callbacks of earlier ones are ignored. */
  #attempt = 0
  #wasEverOpen = false
  #reconnectTimer: ReturnType<typeof setTimeout> | undefined
  #connectTimer: ReturnType<typeof setTimeout> | undefined
  #stableTimer: ReturnType<typeof setTimeout> | undefined

  constructor(transport: Transport, options: ReconnectOptions, handlers: ConnectionHandlers) {
    this.#transport = transport
    this.#handlers = handlers
    this.#backoff = makeBackoff(options.reconnectDelay ?? 500, options.reconnectDelayMax ?? 10_000)
    this.#connectTimeout = options.connectTimeout ?? 10_000
  }

  get isOpen(): boolean {
    return this.#state === "open"
  }

  send(message: { readonly event: string; readonly data: unknown }): void {
    this.#socket?.send(JSON.stringify(message))
  }

  /** Connects now, instead of waiting for the next attempt; does nothing while connecting or open. */
  open(): void {
    if (this.#state === "connecting" || this.#state === "open") return
    clearTimeout(this.#reconnectTimer)
    const attempt = ++this.#attempt
    this.#state = "connecting"
    this.#connectTimer = setTimeout(() => {
      const socket = this.#socket
      this.#closed(abnormalClosure, `The server did not answer within ${this.#connectTimeout} ms.`)
      socket?.close()
    }, this.#connectTimeout)
    this.#transport().then(
      (socket) => this.#listen(socket, attempt),
      (cause: unknown) => {
        if (attempt !== this.#attempt) return
        if (cause instanceof TokenRejected) this.#closed(CloseCode.notAllowed, cause.message)
        else this.#closed(abnormalClosure, cause instanceof Error ? cause.message : String(cause))
      }
    )
  }

  /** Closes the connection and stops reconnecting, without calling `onClose`. */
  close(): void {
    clearTimeout(this.#reconnectTimer)
    const socket = this.#socket
    this.#reset()
    socket?.close(1000)
  }

  #listen(socket: WebSocketLike, attempt: number): void {
    // A failure is reported by `close`, which always follows. Without a listener, `ws` would throw; closing a socket that
    // is still connecting is an error too, so listen before anything else.
    socket.addEventListener("error", () => {})
    if (attempt !== this.#attempt) return socket.close()
    this.#socket = socket
    socket.addEventListener("open", () => {
      if (attempt === this.#attempt) this.#opened()
    })
    socket.addEventListener("message", ({ data }) => {
      if (attempt !== this.#attempt || typeof data !== "string") return
      const frame = parseFrame(data)
      if (frame === undefined) return this.#handlers.onInvalidFrame()
      for (const message of frame) if (attempt === this.#attempt) this.#handlers.onMessage(message)
    })
    socket.addEventListener("close", ({ code, reason }) => {
      if (attempt === this.#attempt) this.#closed(code, reason)
    })
  }

  #opened(): void {
    this.#state = "open"
    clearTimeout(this.#connectTimer)
    this.#stableTimer = setTimeout(this.#backoff.reset, stableAfter)
    const reconnected = this.#wasEverOpen
    this.#wasEverOpen = true
    this.#handlers.onOpen(reconnected)
  }

  #closed(code: number, reason: string): void {
    const wasOpen = this.isOpen
    const reconnects = shouldReconnect(code)
    const attempt = this.#reset()
    this.#handlers.onClose({ code, reason, reconnects, wasOpen })
    // A handler may have connected or disconnected.
    if (!reconnects || attempt !== this.#attempt) return
    this.#state = "waiting"
    const delay = this.#backoff.next()
    this.#reconnectTimer = setTimeout(() => this.open(), delay)
    this.#handlers.onReconnecting(this.#backoff.attempts(), delay)
  }

  #reset(): number {
    this.#socket = undefined
    this.#state = "closed"
    clearTimeout(this.#stableTimer)
    clearTimeout(this.#connectTimer)
    return ++this.#attempt
  }
}
