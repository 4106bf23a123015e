import type { ClientMessage } from "../Wire.js"
import { CloseCode } from "../Wire.js"
import { Emitter } from "./Emitter.js"
import { EventDispatcher } from "./EventDispatcher.js"
import type { ReconnectOptions } from "./connection/ServerConnection.js"
import { ServerConnection } from "./connection/ServerConnection.js"
import type { Listener, SocketEvents } from "./SocketEvents.js"
import type { SubscribeMessage, UnsubscribeMessage } from "./Subscriptions.js"
import { Subscriptions } from "./Subscriptions.js"
import type { Transport, WebSocketConstructor } from "./connection/Transport.js"

/**
 * How to connect.
 *
 * @since 0.1.0
 * @category models
 */
export interface SocketOptions extends ReconnectOptions {
  /**
   * The server's token. Node sends it as a header; a browser trades it for a one-time ticket before each connection. Pages
   * served by the server itself need none: their cookie authenticates them.
   */
  readonly token?: string
  /** A WebSocket implementation to use instead of the platform's. It authenticates with a ticket. */
  readonly WebSocket?: WebSocketConstructor
}

/**
 * A connection that reconnects by itself and resumes its subscriptions.
 *
 * @since 0.1.0
 * @category models
 */
export interface Socket {
  /** Whether the connection is open. */
  readonly connected: boolean
  /** Calls `listener` for each such event until it is removed with `off`. */
  on<E extends keyof SocketEvents>(event: E, listener: Listener<E>): Socket
  /** Removes `listener`, or every listener of the event if none is given. */
  off<E extends keyof SocketEvents>(event: E, listener?: Listener<E>): Socket
  /**
   * Sends a message to the server. Subscriptions (`join`, `stream_container_*`) are remembered until they are ended with
   * `leave` or `stop_container_*`: they are sent once the connection is open, and again after each reconnect, from where
   * the room was last read.
   */
  emit<E extends ClientMessage["event"]>(event: E, data: Extract<ClientMessage, { event: E }>["data"]): Socket
  /** Connects now: after `disconnect`, after the server rejected the client, or instead of waiting to reconnect. */
  connect(): Socket
  /** Closes the connection and does not reconnect. Subscriptions are kept for the next `connect`. */
  disconnect(): Socket
}

interface Message {
  readonly event: string
  readonly data: unknown
}

const isSubscribe = (message: Message): message is SubscribeMessage =>
  message.event === "join" || message.event === "stream_container_logs" || message.event === "stream_container_stats"

const isUnsubscribe = (message: Message): message is UnsubscribeMessage =>
  message.event === "leave" || message.event === "stop_container_logs" || message.event === "stop_container_stats"

/** The code of the `error` event for a connection that the server closed for good. */
const errorCode = (closeCode: number): string => {
  switch (closeCode) {
    case CloseCode.notAllowed:
      return "not_allowed"
    case CloseCode.notThisProtocol:
      return "not_this_protocol"
    default:
      return "closed"
  }
}

const openConnection = (
  transport: Transport,
  options: ReconnectOptions,
  subscriptions: Subscriptions,
  emitter: Emitter
): ServerConnection => {
  const dispatcher = new EventDispatcher(subscriptions, emitter)
  const connection = new ServerConnection(transport, options, {
    onOpen: (reconnected) => {
      for (const message of subscriptions.resume()) connection.send(message)
      emitter.emit("connect", { reconnected })
    },
    onMessage: (message) => dispatcher.dispatch(message),
    onInvalidFrame: () =>
      emitter.emit("error", {
        code: "not_this_protocol",
        message:
          "The server sent a frame that is not a dockwire.v1 message. Check the address and the server's version."
      }),
    onConnectFailure: (failure) => emitter.emit("connect_error", failure),
    onClose: ({ code, reason, reconnects, wasOpen }) => {
      subscriptions.disconnected()
      if (wasOpen || !reconnects) emitter.emit("disconnect", { code, reason, reconnects })
      if (reconnects) return
      const message = reason || `The server closed the connection with code ${code}.`
      emitter.emit("error", { code: errorCode(code), message })
    },
    onReconnecting: (attempt, delay) => emitter.emit("reconnecting", { attempt, delay })
  })
  connection.open()
  return connection
}

/** Creates a socket over `transport` and starts to connect. */
export const makeSocket = (transport: Transport, options: SocketOptions = {}): Socket => {
  const subscriptions = new Subscriptions()
  const emitter = new Emitter()
  const connection = openConnection(transport, options, subscriptions, emitter)

  const sendAll = (messages: ReadonlyArray<ClientMessage>): void => {
    for (const message of messages) connection.send(message)
  }

  const send = (message: Message): void => {
    if (isSubscribe(message)) sendAll(subscriptions.subscribe(message, connection.isOpen))
    else if (isUnsubscribe(message)) sendAll(subscriptions.unsubscribe(message, connection.isOpen))
    // Anything else comes from a page without types; the server answers with an `error`.
    else if (connection.isOpen) connection.send(message)
  }

  const disconnect = (): void => {
    const wasOpen = connection.isOpen
    connection.close()
    subscriptions.disconnected()
    if (!wasOpen) return
    emitter.emit("disconnect", { code: 1000, reason: "The application closed the connection.", reconnects: false })
  }

  const socket: Socket = {
    get connected() {
      return connection.isOpen
    },
    on: (event, listener) => {
      emitter.on(event, listener)
      return socket
    },
    off: (event, listener) => {
      emitter.off(event, listener)
      return socket
    },
    emit: (event, data) => {
      send({ event, data })
      return socket
    },
    connect: () => {
      connection.open()
      return socket
    },
    disconnect: () => {
      disconnect()
      return socket
    }
  }
  return socket
}
