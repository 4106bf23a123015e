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
 * The headers of a request, by name in lower case. Credentials are in `authorization`, `x-dockwire-token` and `cookie`; the
 * name of the session cookie depends on `host`.
 *
 * @since 0.1.0
 * @category models
 */
export type CredentialHeaders = Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

/**
 * The operations of `Auth`.
 *
 * @since 0.1.0
 * @category services
 */
export interface AuthShape {
  /**
   * Authenticates a request. Returns `undefined` if it carries no valid credential. A `ticket`, which only a WebSocket
   * request carries, is used up. Credentials for a proxy, such as `Authorization: Basic`, are ignored.
   */
  readonly check: (headers: CredentialHeaders, ticket?: string) => Credential | undefined
  /** Whether the request carries the token itself, as `Authorization: Bearer` or `X-Dockwire-Token`. */
  readonly hasToken: (headers: CredentialHeaders) => boolean
  /** Whether the request presents a token, right or wrong, in one of these headers. */
  readonly presentsToken: (headers: CredentialHeaders) => boolean
  /** The headers without a token that they present. */
  readonly withoutToken: (headers: CredentialHeaders) => CredentialHeaders
  /** Whether this is the token. */
  readonly isToken: (text: string) => boolean
  /**
   * The name of the session cookie, as the server at this `Host` sets it. All ports of a host name share their cookies, so
   * the name contains the port that the browser sees. It also identifies the token: servers in two folders of one origin
   * differ in nothing else.
   */
  readonly cookieName: (headers: CredentialHeaders) => string
  /** Opens a session. Returns the value of its cookie. */
  readonly openSession: Effect.Effect<string>
  /** Ends the session of a request. */
  readonly closeSession: (headers: CredentialHeaders) => Effect.Effect<void>
  /** Issues a ticket that opens one WebSocket within `ticketSeconds`. */
  readonly issueTicket: Effect.Effect<string>
}

/** How long a session lasts, in seconds. */
export const sessionSeconds = 30 * 24 * 60 * 60

/** How long a ticket is valid, in seconds. */
export const ticketSeconds = 30

const maxTickets = 1_000

const isEqual = (left: string, right: string): boolean =>
  timingSafeEqual(createHash("sha256").update(left).digest(), createHash("sha256").update(right).digest())

/** The value of a header that a request has at most once. */
const single = (value: string | ReadonlyArray<string> | undefined): string =>
  typeof value === "string" ? value : (value?.[0] ?? "")

/** The values of all cookies of this name: a page in a folder of the host may have set another one. */
const cookieValues = (headers: CredentialHeaders, name: string): ReadonlyArray<string> =>
  single(headers["cookie"])
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1))

/** What the request presents as the token. */
const presentedTokens = (headers: CredentialHeaders): ReadonlyArray<string> => {
  const bearer = /^bearer +([^\s]+) *$/i.exec(single(headers["authorization"]))?.[1]
  const own = [headers["x-dockwire-token"] ?? []].flat()
  return bearer === undefined ? own : [bearer, ...own]
}

const withoutToken = ({
  authorization: _authorization,
  "x-dockwire-token": _token,
  ...headers
}: CredentialHeaders): CredentialHeaders => headers

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
  /** Differs between servers with different tokens. */
  readonly id: string

  constructor(token: string) {
    this.key = createHmac("sha256", token).update("dockwire session").digest()
    this.id = this.sign("name of the cookie").slice(0, 8)
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

  const isToken = (text: string): boolean => isEqual(text, token)
  const hasToken = (headers: CredentialHeaders): boolean => presentedTokens(headers).some(isToken)

  const cookieName = (headers: CredentialHeaders): string => {
    const port = /:(\d{1,5})$/.exec(single(headers["host"]))?.[1]
    return port === undefined ? `dockwire_${sessions.id}` : `dockwire_${port}_${sessions.id}`
  }
  const sessionsOf = (headers: CredentialHeaders) => cookieValues(headers, cookieName(headers))

  return {
    isToken,
    hasToken,
    presentsToken: (headers) => presentedTokens(headers).length > 0,
    withoutToken,
    cookieName,
    check: (headers, ticket) => {
      const now = Date.now()
      if (hasToken(headers)) return "token"
      if (ticket !== undefined) return tickets.redeem(ticket, now) ? "ticket" : undefined
      return sessionsOf(headers).some((session) => sessions.isOpen(session, now)) ? "session" : undefined
    },
    openSession: Effect.sync(() => sessions.open(Date.now())),
    closeSession: (headers) =>
      Effect.sync(() => {
        for (const session of sessionsOf(headers)) sessions.close(session, Date.now())
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
