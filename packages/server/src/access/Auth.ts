/** Authentication: tokens, the session cookie that a page gets for one, and one-time tickets for WebSockets. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { Scope } from "../Api/RequiredScope.js"
import type { ConfigProblem } from "../Config.js"
import type { IdentityShape } from "./Identity.js"
import { type AccessLimits, allowedScopes, type Denial, denial } from "./permission.js"
import { Sessions, type Source, Tickets } from "./sessions.js"
import { type AccessToken, Tokens, type TokensOptions, type TokensShape } from "./tokens/Tokens.js"

/**
 * How a request authenticated.
 *
 * @since 0.1.0
 * @category models
 */
export type Credential = "token" | "session" | "ticket"

/**
 * A request that carries a valid credential.
 *
 * @since 0.1.0
 * @category models
 */
export interface Authenticated {
  readonly _tag: "Authenticated"
  readonly credential: Credential
  /** The token itself, or the one that the session or ticket was obtained with. */
  readonly token: AccessToken
  /** The session that was used, also to obtain the ticket. */
  readonly session?: string
}

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
  /** What is switched off for everyone. */
  readonly limits: AccessLimits
  /**
   * Authenticates a request. Returns `undefined` if it carries no valid credential. A `ticket`, which only a WebSocket
   * request carries, is used up. Credentials for a proxy, such as `Authorization: Basic`, are ignored.
   */
  readonly check: (headers: CredentialHeaders, ticket?: string) => Effect.Effect<Authenticated | undefined>
  /** The token that the request carries itself, as `Authorization: Bearer` or `X-Dockwire-Token`. */
  readonly tokenIn: (headers: CredentialHeaders) => AccessToken | undefined
  /** Whether the request presents a token, right or wrong, in one of these headers. */
  readonly presentsToken: (headers: CredentialHeaders) => boolean
  /** The headers without a token that they present. */
  readonly withoutToken: (headers: CredentialHeaders) => CredentialHeaders
  /** The token with this text. */
  readonly findToken: (text: string) => AccessToken | undefined
  /** Why someone may not do what needs this scope; `undefined` if they may. */
  readonly denial: (scope: Scope, who: IdentityShape) => Denial | undefined
  /** What someone may do here. */
  readonly allowedScopes: (who: IdentityShape) => ReadonlyArray<Scope>
  /**
   * Calls `end` when the credential is no longer valid: its token has expired or was revoked, or its session was
   * closed. Returns what forgets it again.
   */
  readonly onEnd: (authenticated: Authenticated, end: () => void) => () => void
  /**
   * The name of the session cookie, as the server at this `Host` sets it. All ports of a host name share their cookies, so
   * the name contains the port that the browser sees. It also identifies the token: servers in two folders of one origin
   * differ in nothing else.
   */
  readonly cookieName: (headers: CredentialHeaders) => string
  /** The folder of the server's origin that the session cookie is sent to. */
  readonly cookiePath: string
  /** Opens a session. Returns the value of its cookie. */
  readonly openSession: (token: AccessToken) => Effect.Effect<string>
  /** Ends the session of a request. */
  readonly closeSession: (headers: CredentialHeaders) => Effect.Effect<void>
  /** Issues a ticket that opens one WebSocket within `ticketSeconds`, for whoever sent this request. */
  readonly issueTicket: (headers: CredentialHeaders) => Effect.Effect<string>
}

/**
 * Who may do what.
 *
 * @since 0.1.0
 * @category models
 */
export interface AuthOptions extends TokensOptions, AccessLimits {
  /** The folder of the server's origin that session cookies are sent to. Default: `/`. */
  readonly cookiePath?: string
}

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

/** The first result that is not `undefined`. */
const firstOf = <A, B>(items: ReadonlyArray<A>, find: (item: A) => B | undefined): B | undefined => {
  for (const item of items) {
    const found = find(item)
    if (found !== undefined) return found
  }
  return undefined
}

const make = (tokens: TokensShape, { cookiePath = "/", operator, ...limits }: AuthOptions): AuthShape => {
  const tickets = new Tickets()
  const sessions = new Sessions(Redacted.value(operator))

  const tokenIn = (headers: CredentialHeaders) => firstOf(presentedTokens(headers), tokens.find)

  const cookieName = (headers: CredentialHeaders): string => {
    const port = /:(\d{1,5})$/.exec(single(headers["host"]))?.[1]
    return port === undefined ? `dockwire_${sessions.id}` : `dockwire_${port}_${sessions.id}`
  }
  const cookiesOf = (headers: CredentialHeaders) => cookieValues(headers, cookieName(headers))

  const obtained = (credential: Credential, source: Source | undefined): Authenticated | undefined => {
    const token = source === undefined ? undefined : tokens.byId(source.tokenId)
    if (token === undefined) return undefined
    const found = { _tag: "Authenticated", credential, token } as const
    return source?.session === undefined ? found : { ...found, session: source.session }
  }

  const check = (headers: CredentialHeaders, ticket?: string): Authenticated | undefined => {
    const now = Date.now()
    const token = tokenIn(headers)
    if (token !== undefined) return { _tag: "Authenticated", credential: "token", token }
    if (ticket !== undefined) return obtained("ticket", tickets.redeem(ticket, now))
    return firstOf(cookiesOf(headers), (cookie) => obtained("session", sessions.find(cookie, now)))
  }

  return {
    limits,
    findToken: tokens.find,
    tokenIn,
    presentsToken: (headers) => presentedTokens(headers).length > 0,
    withoutToken,
    cookieName,
    cookiePath,
    check: (headers, ticket) => Effect.sync(() => check(headers, ticket)),
    denial: (scope, who) => denial(scope, who, limits),
    allowedScopes: (who) => allowedScopes(who, limits),
    onEnd: ({ session, token }, end) => {
      const forget = [tokens.onEnd(token.id, end), ...(session === undefined ? [] : [sessions.onEnd(session, end)])]
      return () => {
        for (const each of forget) each()
      }
    },
    openSession: (token) => Effect.sync(() => sessions.open(token.id, Date.now())),
    closeSession: (headers) =>
      Effect.sync(() => {
        for (const cookie of cookiesOf(headers)) sessions.close(cookie, Date.now())
      }),
    issueTicket: (headers) =>
      Effect.sync(() => {
        const found = check(headers)
        const source = { tokenId: found?.token.id ?? "none" }
        const session = found?.session
        return tickets.issue(session === undefined ? source : { ...source, session }, Date.now())
      })
  }
}

/**
 * Authenticates requests.
 *
 * @since 0.1.0
 * @category tags
 */
export class Auth extends Context.Tag("@dockwire/server/Auth")<Auth, AuthShape>() {
  /** Accepts the server's own token and those of a file, and the sessions and tickets obtained with them. */
  static readonly layer = (options: AuthOptions): Layer.Layer<Auth, ConfigProblem> =>
    Layer.effect(
      Auth,
      Effect.map(Tokens, (tokens) => make(tokens, options))
    ).pipe(Layer.provide(Tokens.layer(options)))
}
