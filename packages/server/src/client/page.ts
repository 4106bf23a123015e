/** The client as an ES module for pages; the server serves it as `/client.js`. */
import type { Socket, SocketOptions } from "./Socket.js"
import { makeSocket } from "./Socket.js"
import { addresses, standardTransport } from "./connection/Transport.js"

/** Connects to the server at `url`, which may be relative to this module's URL. */
export const connect = (url: string | URL, options: SocketOptions = {}): Socket =>
  makeSocket(standardTransport(addresses(url, import.meta.url), options.token, options.WebSocket), options)

/** Like `connect`; `url` defaults to the server that served this module. */
export const io = (url: string | URL = ".", options: SocketOptions = {}): Socket => connect(url, options)
