import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { IncomingMessage } from "node:http"
import { type WebSocket, WebSocketServer } from "ws"
import type { KeepAliveIntervals } from "./KeepAlive.js"
import { CloseCode, heartbeatInterval, maxClientFrameBytes, subprotocol, ticketPrefix } from "../Wire.js"

const defaultPingInterval = 25_000
/** How long a peer may take to close, in milliseconds. */
const closeTimeout = 2_000
/** A frame above `maxClientFrameBytes` is answered with an `error`. One above this is not even read and ends the connection. */
const maxPayload = maxClientFrameBytes * 16

/** Without a listener an error would end the process. "close" follows and is handled. */
const ignoreError = () => {}

const makeServer = () =>
  new WebSocketServer({
    noServer: true,
    maxPayload,
    perMessageDeflate: false,
    clientTracking: true,
    // A browser shows no close code if the handshake fails. So accept another subprotocol, then close with a code.
    handleProtocols: (offered) => {
      if (offered.has(subprotocol)) return subprotocol
      for (const protocol of offered) if (!protocol.startsWith(ticketPrefix)) return protocol
      return false
    }
  })

const handshake = (server: WebSocketServer, incoming: IncomingMessage): Effect.Effect<WebSocket> =>
  Effect.async<WebSocket>((resume) => {
    // The one that interrupts the request when the connection is lost would keep it in memory with the connection.
    incoming.socket.removeAllListeners("close")
    // If the handshake is refused, the callback is never called.
    const onClose = () => resume(Effect.interrupt)
    incoming.socket.once("close", onClose)
    server.handleUpgrade(incoming, incoming.socket, Buffer.alloc(0), (socket) => {
      incoming.socket.off("close", onClose)
      socket.on("error", ignoreError)
      // Until a listener for messages is added.
      socket.pause()
      resume(Effect.succeed(socket))
    })
  })

/** Whoever runs requests adds a listener to the connection just after a request has begun. It has to be there to be removed. */
const upgrade = (server: WebSocketServer, incoming: IncomingMessage): Effect.Effect<WebSocket> =>
  Effect.zipRight(Effect.yieldNow(), handshake(server, incoming))

/** Completes when the connection is closed. */
const awaitClose = (socket: WebSocket): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    if (socket.readyState === socket.CLOSED) return resume(Effect.void)
    socket.once("close", () => resume(Effect.void))
  })

/** Closes the connection, and terminates it if the peer does not answer in time. */
export const closeSocket = (socket: WebSocket, code: number, reason: string): void => {
  socket.resume()
  socket.close(code, reason)
  const timer = setTimeout(() => socket.terminate(), closeTimeout).unref()
  socket.once("close", () => clearTimeout(timer))
}

const closeAll = (server: WebSocketServer): Effect.Effect<void> =>
  Effect.suspend(() => {
    const sockets = [...server.clients]
    for (const socket of sockets) socket.close(CloseCode.goingAway, "the server is shutting down: reconnect later")
    return Effect.forEach(sockets, awaitClose, { concurrency: "unbounded", discard: true }).pipe(
      // Finalizers are uninterruptible, which would disable the timeout.
      Effect.interruptible,
      Effect.timeoutOption("500 millis"),
      Effect.andThen(
        Effect.sync(() => {
          for (const socket of sockets) socket.terminate()
        })
      )
    )
  })

/** The WebSocket connections of the server. */
export class Sockets extends Context.Tag("@dockwire/server/Sockets")<
  Sockets,
  {
    /** Completes the WebSocket handshake. The socket is paused. */
    readonly upgrade: (incoming: IncomingMessage) => Effect.Effect<WebSocket>
    readonly intervals: KeepAliveIntervals
    /** Closes all connections with 1001, and terminates those that are still open after half a second. */
    readonly closeAll: Effect.Effect<void>
  }
>() {
  /** Default: a ping every 25 seconds, and a heartbeat after 10 seconds in which nothing else was sent. */
  static readonly layer = ({
    heartbeat = heartbeatInterval,
    ping = defaultPingInterval
  }: Partial<KeepAliveIntervals> = {}): Layer.Layer<Sockets> =>
    Layer.scoped(
      Sockets,
      Effect.map(
        Effect.acquireRelease(Effect.sync(makeServer), (server) =>
          Effect.andThen(
            closeAll(server),
            Effect.sync(() => server.close())
          )
        ),
        (server) => ({
          upgrade: (incoming: IncomingMessage) => upgrade(server, incoming),
          intervals: { heartbeat, ping },
          closeAll: closeAll(server)
        })
      )
    )
}
