/** The client as the server gives it to pages: `/client.js`. */
import type { Socket, SocketOptions } from "./Socket.js"
import { makeSocket } from "./Socket.js"
import { addresses, standardTransport } from "./Transport.js"

/** Connects to the server at `url`, which may be relative to the script's own address. */
export const connect = (url: string | URL, options: SocketOptions = {}): Socket =>
  makeSocket(standardTransport(addresses(url, import.meta.url), options.token, options.WebSocket), options)

/** As `connect`; without an address, to the server that this script came from. */
export const io = (url: string | URL = ".", options: SocketOptions = {}): Socket => connect(url, options)
