/**
 * The client for Node and for bundlers. It reconnects by itself, resumes each room after the last event it received, and
 * delivers every event once.
 *
 * @example
 * ```ts
 * import { connect } from "@dockwire/server/client"
 *
 * const socket = connect("http://127.0.0.1:7070", { token: process.env["DOCKWIRE_TOKEN"] ?? "" })
 * socket.emit("stream_container_logs", { container_id: "web", tail: 100 })
 * socket.on("gap", (gap) => console.log("missing:", gap.reason))
 * await new Promise((seen) => socket.on("docker_log", (event) => seen(console.log(event.timestamp, event.line))))
 * socket.disconnect()
 * ```
 *
 * @since 0.1.0
 */
import { nodeTransport } from "./connection/nodeTransport.js"
import type { Socket, SocketOptions } from "./Socket.js"
import { makeSocket } from "./Socket.js"
import { addresses, standardTransport } from "./connection/Transport.js"

export type { ConnectFailure, ConnectFailureReason } from "./connection/ConnectFailure.js"
export type { ReconnectOptions } from "./connection/ServerConnection.js"
export type { Socket, SocketOptions } from "./Socket.js"
export type { DockerLogEvent, Listener, EventOrigin, SocketEvents } from "./SocketEvents.js"
export type { WebSocketConstructor, WebSocketLike } from "./connection/Transport.js"
export type { ClientMessage, ServerMessage } from "../Wire.js"

/** The page's URL; undefined in Node. */
const pageAddress = (): string | undefined => {
  const location: unknown = Reflect.get(globalThis, "location")
  return typeof location === "object" && location !== null && "href" in location && typeof location.href === "string"
    ? location.href
    : undefined
}

/**
 * Connects to the server at `url`: its `http`, `https`, `ws` or `wss` URL, including the folder if it is mounted in one.
 *
 * @since 0.1.0
 * @category constructors
 */
export const connect = (url: string | URL, options: SocketOptions = {}): Socket => {
  const page = pageAddress()
  const to = addresses(url, page)
  return makeSocket(
    page === undefined && options.WebSocket === undefined
      ? nodeTransport(to, options.token)
      : standardTransport(to, options.token, options.WebSocket),
    options
  )
}

/**
 * Like `connect`, with the name that Socket.IO pages use. In a page, `url` defaults to the page's own origin.
 *
 * @since 0.1.0
 * @category constructors
 */
export const io = (url?: string | URL, options: SocketOptions = {}): Socket => {
  const address = url ?? pageAddress()
  if (address === undefined) {
    throw new TypeError('Outside a page, io() needs the server\'s address, for example io("http://127.0.0.1:7070").')
  }
  return connect(url ?? new URL("/", address), options)
}
