import { path, subprotocol, ticketPrefix } from "../Wire.js"

/**
 * The part of the WebSocket interface that the client uses. The browser's `WebSocket` and that of `ws` both implement it.
 *
 * @since 0.1.0
 * @category models
 */
export interface WebSocketLike {
  send(data: string): void
  close(code?: number, reason?: string): void
  addEventListener(type: "open", listener: () => void): void
  addEventListener(type: "error", listener: () => void): void
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void
  addEventListener(type: "close", listener: (event: { readonly code: number; readonly reason: string }) => void): void
}

/**
 * A constructor with the signature of the standard `WebSocket`.
 *
 * @since 0.1.0
 * @category models
 */
export type WebSocketConstructor = new (url: string, protocols?: string | Array<string>) => WebSocketLike

/** Starts one attempt to connect. */
export type Transport = () => Promise<WebSocketLike>

/** The server rejected the token, so retrying with it is pointless. */
export class TokenRejected extends Error {
  override readonly name = "TokenRejected"
}

/** The URLs of a server's WebSocket and of its ticket endpoint. */
export interface Addresses {
  readonly socket: string
  readonly ticket: string
}

/** Resolves a server's URLs from its own URL, a folder that it is mounted in, or its WebSocket URL. */
export const addresses = (url: string | URL, base?: string): Addresses => {
  const home = new URL(url, base)
  home.search = ""
  home.hash = ""
  home.protocol = home.protocol.replace(/^ws/, "http")
  if (home.pathname.endsWith(path)) home.pathname = home.pathname.slice(0, -path.length)
  if (!home.pathname.endsWith("/")) home.pathname += "/"
  const socket = new URL(path.slice(1), home)
  socket.protocol = socket.protocol.replace(/^http/, "ws")
  return { socket: socket.href, ticket: new URL("api/ws-ticket", home).href }
}

const isConstructor = (value: unknown): value is WebSocketConstructor => typeof value === "function"

const globalWebSocket = (): WebSocketConstructor => {
  const found: unknown = Reflect.get(globalThis, "WebSocket")
  if (isConstructor(found)) return found
  throw new TypeError("This environment has no global WebSocket. Pass an implementation as the option `WebSocket`.")
}

const fetchTicket = async (url: string, token: string): Promise<string> => {
  const response = await fetch(url, { method: "POST", headers: { authorization: `Bearer ${token}` } })
  if (response.status === 401 || response.status === 403) {
    throw new TokenRejected("The server rejected the token. Pass the token that the server currently uses.")
  }
  const body: unknown = response.ok ? await response.json() : undefined
  if (typeof body === "object" && body !== null && "ticket" in body && typeof body.ticket === "string") {
    return body.ticket
  }
  throw new Error(`The server issued no WebSocket ticket (HTTP ${response.status} from ${url}).`)
}

/**
 * Connects with the standard WebSocket constructor. That cannot send headers, so a token is traded for a one-time ticket,
 * which is sent as a subprotocol. Without a token the browser authenticates with its cookie.
 */
export const standardTransport =
  (to: Addresses, token: string | undefined, implementation: WebSocketConstructor | undefined): Transport =>
  async () => {
    const WebSocket = implementation ?? globalWebSocket()
    const protocols = [subprotocol]
    if (token !== undefined) protocols.push(ticketPrefix + (await fetchTicket(to.ticket, token)))
    return new WebSocket(to.socket, protocols)
  }
