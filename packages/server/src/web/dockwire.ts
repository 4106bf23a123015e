/** The client as a plain script, `/dockwire.js`: sets the global `io`, as Socket.IO does. */
import type { Socket, SocketOptions } from "../client/Socket.js"
import { makeSocket } from "../client/Socket.js"
import { addresses, standardTransport } from "../client/connection/Transport.js"

const script = document.currentScript
const server = new URL(".", script instanceof HTMLScriptElement && script.src !== "" ? script.src : document.baseURI)

const io = (url: string | URL = server, options: SocketOptions = {}): Socket =>
  makeSocket(standardTransport(addresses(url, document.baseURI), options.token, options.WebSocket), options)

Object.assign(globalThis, { io })
