/**
 * The constants of the WebSocket protocol.
 *
 * @since 0.1.0
 */

/**
 * The path of the WebSocket.
 *
 * @since 0.1.0
 * @category constants
 */
export const path = "/ws"

/**
 * The subprotocol that client and server must agree on.
 *
 * @since 0.1.0
 * @category constants
 */
export const subprotocol = "dockwire.v1"

/**
 * A client offers a one-time ticket as another subprotocol with this prefix: `dockwire.ticket.<ticket>`.
 *
 * @since 0.1.0
 * @category constants
 */
export const ticketPrefix = "dockwire.ticket."

/**
 * The largest frame that the server accepts from a client, in bytes.
 *
 * @since 0.1.0
 * @category constants
 */
export const maxClientFrameBytes = 64 * 1024

/**
 * The default `tail` of `stream_container_logs`.
 *
 * @since 0.1.0
 * @category constants
 */
export const defaultTail = 100

/**
 * The default `interval` of `stream_container_stats`, in milliseconds.
 *
 * @since 0.1.0
 * @category constants
 */
export const defaultStatsInterval = 2000

/**
 * How long the server is silent at most, in milliseconds: while it has nothing else to send, it sends an empty frame this
 * often, the first one when the connection opens. A client that receives nothing for twice as long can reconnect.
 *
 * @since 0.1.0
 * @category constants
 */
export const heartbeatInterval = 10_000

/**
 * Why the server closes a connection.
 *
 * @since 0.1.0
 * @category constants
 */
export const CloseCode = {
  /** The server is shutting down. Reconnect later. */
  goingAway: 1001,
  /** The viewer reads too slowly. Reconnect and resume. */
  tooSlow: 4008,
  /** No valid cookie, token or ticket. Do not reconnect without one. */
  notAllowed: 4501,
  /** The client does not speak this protocol, or has sent too many invalid messages. */
  notThisProtocol: 4502
} as const

/**
 * Whether a client should reconnect after a close code: after any but 4500 to 4999.
 *
 * @since 0.1.0
 * @category guards
 */
export const shouldReconnect = (code: number): boolean => code < 4500 || code > 4999
