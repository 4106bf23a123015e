/**
 * Why an attempt to connect failed:
 *
 * - `refused`: nothing listens at the address
 * - `dns`: the host name cannot be resolved
 * - `unreachable`: the network or the host cannot be reached
 * - `timeout`: no answer in time
 * - `tls`: no encrypted connection, for example because of the certificate
 * - `http`: an HTTP response instead of a WebSocket; `status` and `message` tell more
 * - `no_websocket`: the server answers HTTP requests, but something on the way does not pass WebSockets
 * - `not_this_protocol`: what listens there is not a Dockwire server
 * - `closed`: the connection was closed before it was open
 * - `other`: anything else, including what a browser does not tell pages
 *
 * @since 0.1.0
 * @category models
 */
export type ConnectFailureReason =
  | "refused"
  | "dns"
  | "unreachable"
  | "timeout"
  | "tls"
  | "http"
  | "no_websocket"
  | "not_this_protocol"
  | "closed"
  | "other"

/**
 * A failed attempt to connect.
 *
 * @since 0.1.0
 * @category models
 */
export interface ConnectFailure {
  readonly reason: ConnectFailureReason
  /** For people to read. Contains the server's own message, if it sent one. */
  readonly message: string
  /** The HTTP status, if the server sent one. */
  readonly status?: number
}

/** An attempt to connect failed before there was a WebSocket. */
export class ConnectError extends Error {
  override readonly name = "ConnectError"
  readonly failure: ConnectFailure

  constructor(failure: ConnectFailure) {
    super(failure.message)
    this.failure = failure
  }
}

/** A field of a JSON body, if it is a text. */
export const textField = (body: string, name: string): string | undefined => {
  try {
    const value: unknown = JSON.parse(body)
    if (typeof value !== "object" || value === null) return undefined
    const field: unknown = Reflect.get(value, name)
    return typeof field === "string" && field !== "" ? field : undefined
  } catch {
    return undefined
  }
}

/** The failure for an HTTP response to the request for `url`. */
export const httpFailure = (url: string, status: number, body: string): ConnectFailure => {
  const message = textField(body, "message")
  return {
    reason: "http",
    status,
    message:
      message === undefined
        ? `${url} responded with HTTP ${status} instead of a WebSocket. Check the address, and the proxy if there is one.`
        : `${url} responded with HTTP ${status}: ${message}`
  }
}
