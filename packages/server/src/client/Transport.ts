import { path, subprotocol, ticketPrefix } from "../Wire.js"

/** As much of a WebSocket as the client needs: the browser's own and that of `ws` both have it. */
export interface WebSocketLike {
  send(data: string): void
  close(code?: number, reason?: string): void
  addEventListener(type: "open", listener: () => void): void
  addEventListener(type: "error", listener: () => void): void
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void
  addEventListener(type: "close", listener: (event: { readonly code: number; readonly reason: string }) => void): void
}

/** What makes a WebSocket, by the standard's constructor. */
export type WebSocketConstructor = new (url: string, protocols?: string | Array<string>) => WebSocketLike

/** Begins one connection. */
export type Transport = () => Promise<WebSocketLike>

/** The server said that this client may not come in: trying again with the same token is of no use. */
export class NotAllowed extends Error {
  override readonly name = "NotAllowed"
}

/** Where a server's parts are, from the address that a caller gave: of the server, of a folder that it is mounted in, or of its WebSocket. */
export interface Addresses {
  readonly socket: string
  readonly ticket: string
}

/** The addresses of a server. `base` is for an address that is relative. */
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
  throw new TypeError("There is no WebSocket here: give one in the options")
}

const fetchTicket = async (url: string, token: string): Promise<string> => {
  const response = await fetch(url, { method: "POST", headers: { authorization: `Bearer ${token}` } })
  if (response.status === 401 || response.status === 403) {
    throw new NotAllowed("The server does not take this token (any more)")
  }
  const answer: unknown = response.ok ? await response.json() : undefined
  if (typeof answer === "object" && answer !== null && "ticket" in answer && typeof answer.ticket === "string") {
    return answer.ticket
  }
  throw new Error(`The server gave no ticket (HTTP ${response.status})`)
}

/**
 * Connects with the standard's constructor, which can send no header: a token is traded for a one-time ticket that goes among the
 * subprotocols. Without a token the browser's cookie says who it is.
 */
export const standardTransport =
  (to: Addresses, token: string | undefined, implementation: WebSocketConstructor | undefined): Transport =>
  async () => {
    const WebSocket = implementation ?? globalWebSocket()
    const protocols = [subprotocol]
    if (token !== undefined) protocols.push(ticketPrefix + (await fetchTicket(to.ticket, token)))
    return new WebSocket(to.socket, protocols)
  }
