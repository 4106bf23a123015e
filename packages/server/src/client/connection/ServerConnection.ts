import type { ServerMessage } from "../../Wire.js"
import { CloseCode, shouldReconnect } from "../../Wire.js"
import { decodeServerFrame } from "../decodeServerFrame.js"
import { makeBackoff } from "./Backoff.js"
import { ConnectError, type ConnectFailure } from "./ConnectFailure.js"
import { SilenceTimer } from "./SilenceTimer.js"
import type { ConnectingSocket, Transport, WebSocketLike } from "./Transport.js"
import { TokenRejected } from "./Transport.js"

/**
 * When to reconnect, and when to give up on an attempt or on a silent connection.
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
  /**
   * How long the server may be silent before the connection counts as dead, in milliseconds. A server sends at least a
   * heartbeat every 10 seconds. `Infinity` waits forever. Default: 20,000.
   */
  readonly heartbeatTimeout?: number
}

/** What a `ServerConnection` reports. */
export interface ConnectionHandlers {
  readonly onOpen: (reconnected: boolean) => void
  readonly onMessage: (message: ServerMessage) => void
  readonly onInvalidFrame: () => void
  /** An attempt to connect failed. The next one follows, unless the application disconnects. */
  readonly onConnectFailure: (failure: ConnectFailure) => void
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

const failureOf = (cause: unknown): ConnectFailure =>
  cause instanceof ConnectError
    ? cause.failure
    : { reason: "other", message: cause instanceof Error ? cause.message : String(cause) }

const seconds = (milliseconds: number): string => `${milliseconds / 1000} s`

/** One WebSocket at a time to the server, reopened with backoff whenever it closes. */
export class ServerConnection {
  readonly #transport: Transport
  readonly #handlers: ConnectionHandlers
  readonly #backoff
  readonly #connectTimeout: number
  readonly #silence: SilenceTimer
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
    this.#silence = new SilenceTimer(options.heartbeatTimeout ?? 20_000, (limit) =>
      this.#abandon(`No answer for ${seconds(limit)}`)
    )
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
      const message = `The server did not answer within ${seconds(this.#connectTimeout)}.`
      this.#handlers.onConnectFailure({ reason: "timeout", message })
      if (attempt === this.#attempt) this.#abandon(message)
    }, this.#connectTimeout)
    this.#transport().then(
      (connecting) => this.#listen(connecting, attempt),
      (cause: unknown) => {
        if (attempt !== this.#attempt) return
        if (cause instanceof TokenRejected) return this.#closed(CloseCode.notAllowed, cause.message)
        const failure = failureOf(cause)
        this.#handlers.onConnectFailure(failure)
        if (attempt === this.#attempt) this.#closed(abnormalClosure, failure.message)
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

  #listen({ explainFailure, socket }: ConnectingSocket, attempt: number): void {
    // A failure is reported by `close`, which always follows. Without a listener, `ws` would throw; closing a socket that
    // is still connecting is an error too, so listen before anything else.
    socket.addEventListener("error", () => {})
    if (attempt !== this.#attempt) return socket.close()
    this.#socket = socket
    socket.addEventListener("open", () => {
      if (attempt === this.#attempt) this.#opened()
    })
    socket.addEventListener("message", ({ data }) => {
      if (attempt === this.#attempt) this.#received(data, attempt)
    })
    socket.addEventListener("close", ({ code, reason }) => {
      if (attempt !== this.#attempt) return
      if (!this.isOpen && shouldReconnect(code)) this.#explain(explainFailure)
      if (attempt === this.#attempt) this.#closed(code, reason)
    })
  }

  #received(data: unknown, attempt: number): void {
    const { heartbeat, malformed, messages } = decodeServerFrame(data)
    this.#silence.received(heartbeat)
    if (malformed) this.#handlers.onInvalidFrame()
    for (const message of messages) if (attempt === this.#attempt) this.#handlers.onMessage(message)
  }

  /** Reports why an attempt failed, unless that takes so long that it no longer matters. */
  #explain(explainFailure: ConnectingSocket["explainFailure"]): void {
    const failure = explainFailure()
    if (!(failure instanceof Promise)) return this.#handlers.onConnectFailure(failure)
    void failure.then((explained) => {
      if (this.#state === "waiting" || this.#state === "connecting") this.#handlers.onConnectFailure(explained)
    })
  }

  /** Closes a connection or an attempt that does not answer, without waiting for the peer. */
  #abandon(reason: string): void {
    const socket = this.#socket
    this.#closed(abnormalClosure, reason)
    if (socket?.terminate === undefined) socket?.close()
    else socket.terminate()
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
    this.#silence.stop()
    clearTimeout(this.#stableTimer)
    clearTimeout(this.#connectTimer)
    return ++this.#attempt
  }
}
