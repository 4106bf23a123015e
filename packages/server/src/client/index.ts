/**
 * The client, for Node and for bundlers: `connect` to a server, say what to follow, listen. It comes back by itself when the connection is
 * cut, goes on from where each room was read to, and gives nothing twice.
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
 */
import { nodeTransport } from "./nodeTransport.js"
import type { Socket, SocketOptions } from "./Socket.js"
import { makeSocket } from "./Socket.js"
import { addresses, standardTransport } from "./Transport.js"

export type { Socket, SocketOptions } from "./Socket.js"
export type { DockerLogEvent, Listener, EventOrigin, SocketEvents } from "./SocketEvents.js"
export type { WebSocketConstructor, WebSocketLike } from "./Transport.js"
export type { ClientMessage, ServerMessage } from "../Wire.js"

/** The page's own address; undefined in Node. */
const pageAddress = (): string | undefined => {
  const location: unknown = Reflect.get(globalThis, "location")
  return typeof location === "object" && location !== null && "href" in location && typeof location.href === "string"
    ? location.href
    : undefined
}

/** Connects to the server at `url` (http, https, ws or wss; its folder when it is mounted in one). */
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

/** As `connect`; in a page the address may be left out when the page came from the server. */
export const io = (url?: string | URL, options: SocketOptions = {}): Socket => {
  const address = url ?? pageAddress()
  if (address === undefined) throw new TypeError("io() needs the server's address when it is not called in a page")
  return connect(url ?? new URL("/", address), options)
}
