import { path, subprotocol, ticketPrefix } from "../../Wire.js"
import { ConnectError, type ConnectFailure, httpFailure, textField } from "./ConnectFailure.js"

/**
 * The part of the WebSocket interface that the client uses. The browser's `WebSocket` and that of `ws` both implement it.
 *
 * @since 0.1.0
 * @category models
 */
export interface WebSocketLike {
  send(data: string): void
  close(code?: number, reason?: string): void
  /** Closes without waiting for the peer, where the implementation can do that. */
  terminate?(): void
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

/** A WebSocket that is being opened. */
export interface ConnectingSocket {
  readonly socket: WebSocketLike
  /** Why the socket closed before it was open. */
  readonly explainFailure: () => ConnectFailure | Promise<ConnectFailure>
}

/** Starts one attempt to connect. */
export type Transport = () => Promise<ConnectingSocket>

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

/** A URL without its user name and password. */
export const withoutCredentials = (url: string): string => {
  const parsed = new URL(url)
  parsed.username = ""
  parsed.password = ""
  return parsed.href
}

const isConstructor = (value: unknown): value is WebSocketConstructor => typeof value === "function"

const globalWebSocket = (): WebSocketConstructor => {
  const found: unknown = Reflect.get(globalThis, "WebSocket")
  if (isConstructor(found)) return found
  throw new TypeError("This environment has no global WebSocket. Pass an implementation as the option `WebSocket`.")
}

/** How long a request for a ticket may take, in milliseconds. */
const ticketTimeout = 10_000

/**
 * The headers of a request for a ticket. The token has one of its own, because a proxy may need `Authorization`: for the user
 * name and password in the URL, which `fetch` does not accept there.
 */
const ticketHeaders = (url: string, token: string | undefined): Record<string, string> => {
  const { password, username } = new URL(url)
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return {
    ...(token === undefined ? {} : { "x-dockwire-token": token }),
    ...(credentials === ":" ? {} : { authorization: `Basic ${btoa(credentials)}` })
  }
}

const requestTicket = async (url: string, token: string | undefined): Promise<Response> => {
  const address = withoutCredentials(url)
  try {
    return await fetch(address, {
      method: "POST",
      headers: ticketHeaders(url, token),
      signal: AbortSignal.timeout(ticketTimeout)
    })
  } catch (cause) {
    const isTimeout = cause instanceof Error && cause.name === "TimeoutError"
    const message = isTimeout
      ? `${address} did not answer within ${ticketTimeout / 1000} s.`
      : `${address} can't be reached${cause instanceof Error ? `: ${cause.message}` : ""}.`
    throw new ConnectError({ reason: isTimeout ? "timeout" : "unreachable", message })
  }
}

const fetchTicket = async (url: string, token: string): Promise<string> => {
  const response = await requestTicket(url, token)
  const text = await response.text()
  // A proxy's 401 is not about this token.
  if (response.status === 401 && textField(text, "_tag") === "NotAllowed") {
    throw new TokenRejected("The server rejected the token. Pass the token that the server currently uses.")
  }
  if (!response.ok) throw new ConnectError(httpFailure(withoutCredentials(url), response.status, text))
  const ticket = textField(text, "ticket")
  if (ticket !== undefined) return ticket
  const message = `${withoutCredentials(url)} issued no ticket for a WebSocket. Check that this is the address of a Dockwire server.`
  throw new ConnectError({ reason: "not_this_protocol", message })
}

/** Browsers do not tell pages why a WebSocket failed. An HTTP request to the same server shows what it was. */
const explain = async (to: Addresses, token: string | undefined): Promise<ConnectFailure> => {
  try {
    const response = await requestTicket(to.ticket, token)
    if (!response.ok) return httpFailure(withoutCredentials(to.ticket), response.status, await response.text())
    return {
      reason: "no_websocket",
      message: `The server answers, but ${withoutCredentials(to.socket)} did not open. If there is a proxy, it must pass WebSockets on: the headers Upgrade and Connection.`
    }
  } catch (cause) {
    return cause instanceof ConnectError ? cause.failure : { reason: "other", message: String(cause) }
  }
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
    return { socket: new WebSocket(to.socket, protocols), explainFailure: () => explain(to, token) }
  }
