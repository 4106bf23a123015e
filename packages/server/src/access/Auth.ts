/** Authentication: the token, the session cookie that a page gets for it, and one-time tickets for WebSockets. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto"

/**
 * How a request authenticated.
 *
 * @since 0.1.0
 * @category models
 */
export type Credential = "token" | "session" | "ticket"

/**
 * The headers that carry credentials.
 *
 * @since 0.1.0
 * @category models
 */
export interface CredentialHeaders {
  readonly authorization?: string | undefined
  readonly cookie?: string | undefined
}

/**
 * The operations of `Auth`. `port` is the port that the request arrived at.
 *
 * @since 0.1.0
 * @category services
 */
export interface AuthShape {
  /**
   * Authenticates a request. Returns `undefined` if it carries no valid credential. A `ticket`, which only a WebSocket
   * request carries, is used up.
   */
  readonly check: (headers: CredentialHeaders, port: number, ticket?: string) => Credential | undefined
  /** Whether the request carries the token itself, as `Authorization: Bearer`. */
  readonly hasToken: (headers: CredentialHeaders) => boolean
  /** Opens a session. Returns the value of its cookie. */
  readonly openSession: Effect.Effect<string>
  /** Ends the session of a request. */
  readonly closeSession: (headers: CredentialHeaders, port: number) => Effect.Effect<void>
  /** Issues a ticket that opens one WebSocket within `ticketSeconds`. */
  readonly issueTicket: Effect.Effect<string>
}

/** How long a session lasts, in seconds. */
export const sessionSeconds = 30 * 24 * 60 * 60

/** How long a ticket is valid, in seconds. */
export const ticketSeconds = 30

const maxTickets = 1_000

/** The name of the session cookie. All ports of a host share their cookies, so the name contains the port. */
export const cookieName = (port: number): string => `dockwire_${port}`

const isEqual = (left: string, right: string): boolean =>
  timingSafeEqual(createHash("sha256").update(left).digest(), createHash("sha256").update(right).digest())

const sessionCookie = (headers: CredentialHeaders, port: number): string | undefined => {
  const prefix = `${cookieName(port)}=`
  for (const part of (headers.cookie ?? "").split(";")) {
    const pair = part.trim()
    if (pair.startsWith(prefix)) return pair.slice(prefix.length)
  }
  return undefined
}

const bearerToken = (headers: CredentialHeaders): string | undefined =>
  /^bearer +([^\s]+) *$/i.exec(headers.authorization ?? "")?.[1]

/** One-time tickets. When there are too many, the oldest is dropped. */
class Tickets {
  private readonly expiries = new Map<string, number>()

  issue(now: number): string {
    for (const [ticket, expiry] of this.expiries) if (expiry < now) this.expiries.delete(ticket)
    if (this.expiries.size >= maxTickets) {
      const [oldest] = this.expiries.keys()
      if (oldest !== undefined) this.expiries.delete(oldest)
    }
    const ticket = randomBytes(24).toString("base64url")
    this.expiries.set(ticket, now + ticketSeconds * 1000)
    return ticket
  }

  redeem(ticket: string, now: number): boolean {
    const expiry = this.expiries.get(ticket)
    this.expiries.delete(ticket)
    return expiry !== undefined && expiry >= now
  }
}

/**
 * Sessions: `<expiry>.<nonce>.<signature>`, signed with a key derived from the token. So a session survives a restart of the
 * server, becomes invalid with the token, and does not reveal it. Sessions closed before they expire are kept in memory.
 */
class Sessions {
  private readonly closed = new Map<string, number>()
  private readonly key: Buffer

  constructor(token: string) {
    this.key = createHmac("sha256", token).update("dockwire session").digest()
  }

  open(now: number): string {
    const content = `${Math.floor(now / 1000) + sessionSeconds}.${randomBytes(16).toString("base64url")}`
    return `${content}.${this.sign(content)}`
  }

  isOpen(value: string, now: number): boolean {
    const [expiry = "", nonce = "", signature = "", ...rest] = value.split(".")
    if (rest.length > 0 || !isEqual(signature, this.sign(`${expiry}.${nonce}`))) return false
    return Number(expiry) > now / 1000 && !this.closed.has(nonce)
  }

  close(value: string, now: number): void {
    if (!this.isOpen(value, now)) return
    for (const [nonce, expiry] of this.closed) if (expiry < now / 1000) this.closed.delete(nonce)
    const [expiry = "", nonce = ""] = value.split(".")
    this.closed.set(nonce, Number(expiry))
  }

  private sign(content: string): string {
    return createHmac("sha256", this.key).update(content).digest("base64url")
  }
}

const make = (secret: Redacted.Redacted<string>): AuthShape => {
  const token = Redacted.value(secret)
  const tickets = new Tickets()
  const sessions = new Sessions(token)

  const hasToken = (headers: CredentialHeaders): boolean => {
    const given = bearerToken(headers)
    return given !== undefined && isEqual(given, token)
  }

  return {
    hasToken,
    check: (headers, port, ticket) => {
      const now = Date.now()
      if (headers.authorization !== undefined) return hasToken(headers) ? "token" : undefined
      if (ticket !== undefined) return tickets.redeem(ticket, now) ? "ticket" : undefined
      const session = sessionCookie(headers, port)
      return session !== undefined && sessions.isOpen(session, now) ? "session" : undefined
    },
    openSession: Effect.sync(() => sessions.open(Date.now())),
    closeSession: (headers, port) =>
      Effect.sync(() => {
        const session = sessionCookie(headers, port)
        if (session !== undefined) sessions.close(session, Date.now())
      }),
    issueTicket: Effect.sync(() => tickets.issue(Date.now()))
  }
}

/**
 * Authenticates requests.
 *
 * @since 0.1.0
 * @category tags
 */
export class Auth extends Context.Tag("@dockwire/server/Auth")<Auth, AuthShape>() {
  /** Accepts this token, and the sessions and tickets issued for it. */
  static readonly layer = (token: Redacted.Redacted<string>): Layer.Layer<Auth> => Layer.sync(Auth, () => make(token))
}
