/** Who may: the token, the cookie that a page gets for it, and tickets for a WebSocket. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import { ticketPrefix } from "../Wire.js"

/** By what a request is allowed. */
export type Credential = "token" | "session" | "ticket"

/** What a request shows. */
export interface RequestHeaders {
  readonly authorization?: string | undefined
  readonly cookie?: string | undefined
  readonly "sec-websocket-protocol"?: string | undefined
}

/** The shape of `Auth`. */
export interface AuthShape {
  /** By what this request is allowed; `undefined` when it is not. `port` is the one that it came in at. A ticket is used up. */
  readonly check: (headers: RequestHeaders, port: number) => Credential | undefined
  /** Whether this is the token, from `Authorization: Bearer`. */
  readonly hasToken: (headers: RequestHeaders) => boolean
  /** A new session: the value of the cookie. */
  readonly openSession: Effect.Effect<string>
  /** The session of this request is no longer valid. */
  readonly closeSession: (headers: RequestHeaders, port: number) => Effect.Effect<void>
  /** A ticket that opens one WebSocket within `ticketSeconds`. */
  readonly issueTicket: Effect.Effect<string>
}

/** How long a session lasts, in seconds. */
export const sessionSeconds = 30 * 24 * 60 * 60

/** How long a ticket can be used, in seconds. */
export const ticketSeconds = 30

const maxTickets = 1_000

/** The cookie of the server at this port: cookies are shared by all ports of a host, so its name tells servers apart. */
export const cookieName = (port: number): string => `dockwire_${port}`

const same = (left: string, right: string): boolean =>
  timingSafeEqual(createHash("sha256").update(left).digest(), createHash("sha256").update(right).digest())

const cookieValue = (headers: RequestHeaders, port: number): string | undefined => {
  const prefix = `${cookieName(port)}=`
  for (const part of (headers.cookie ?? "").split(";")) {
    const pair = part.trim()
    if (pair.startsWith(prefix)) return pair.slice(prefix.length)
  }
  return undefined
}

const bearer = (headers: RequestHeaders): string | undefined =>
  /^bearer +([^\s]+) *$/i.exec(headers.authorization ?? "")?.[1]

/** One-time tickets, each good for a while. */
class Tickets {
  private readonly issued = new Map<string, number>()

  issue(now: number): string {
    for (const [ticket, until] of this.issued) if (until < now) this.issued.delete(ticket)
    if (this.issued.size >= maxTickets) {
      const [oldest] = this.issued.keys()
      if (oldest !== undefined) this.issued.delete(oldest)
    }
    const ticket = randomBytes(24).toString("base64url")
    this.issued.set(ticket, now + ticketSeconds * 1000)
    return ticket
  }

  redeem(ticket: string, now: number): boolean {
    const until = this.issued.get(ticket)
    this.issued.delete(ticket)
    return until !== undefined && until >= now
  }
}

/**
 * Sessions: `<end>.<nonce>.<signature>`, signed with a key that is derived from the token. So a session holds over a
 * restart of the server, ends with the token, and does not give the token away. Those closed before their end are kept
 * in memory.
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
    const [end = "", nonce = "", signature = "", ...rest] = value.split(".")
    if (rest.length > 0 || !same(signature, this.sign(`${end}.${nonce}`))) return false
    return Number(end) > now / 1000 && !this.closed.has(nonce)
  }

  close(value: string, now: number): void {
    if (!this.isOpen(value, now)) return
    for (const [nonce, end] of this.closed) if (end < now / 1000) this.closed.delete(nonce)
    const [end = "", nonce = ""] = value.split(".")
    this.closed.set(nonce, Number(end))
  }

  private sign(content: string): string {
    return createHmac("sha256", this.key).update(content).digest("base64url")
  }
}

const ticketOf = (headers: RequestHeaders): string | undefined =>
  (headers["sec-websocket-protocol"] ?? "")
    .split(",")
    .map((protocol) => protocol.trim())
    .find((protocol) => protocol.startsWith(ticketPrefix))
    ?.slice(ticketPrefix.length)

const make = (secret: Redacted.Redacted<string>): AuthShape => {
  const token = Redacted.value(secret)
  const tickets = new Tickets()
  const sessions = new Sessions(token)

  const hasToken = (headers: RequestHeaders): boolean => {
    const given = bearer(headers)
    return given !== undefined && same(given, token)
  }

  return {
    hasToken,
    check: (headers, port) => {
      const now = Date.now()
      if (headers.authorization !== undefined) return hasToken(headers) ? "token" : undefined
      const ticket = ticketOf(headers)
      if (ticket !== undefined) return tickets.redeem(ticket, now) ? "ticket" : undefined
      const session = cookieValue(headers, port)
      return session !== undefined && sessions.isOpen(session, now) ? "session" : undefined
    },
    openSession: Effect.sync(() => sessions.open(Date.now())),
    closeSession: (headers, port) =>
      Effect.sync(() => {
        const session = cookieValue(headers, port)
        if (session !== undefined) sessions.close(session, Date.now())
      }),
    issueTicket: Effect.sync(() => tickets.issue(Date.now()))
  }
}

/** Checks who may. */
export class Auth extends Context.Tag("@dockwire/server/Auth")<Auth, AuthShape>() {
  /** Whoever has this token may. */
  static readonly layer = (token: Redacted.Redacted<string>): Layer.Layer<Auth> => Layer.sync(Auth, () => make(token))
}
