/** The handlers of `SessionApi`. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Api } from "../Api/Api.js"
import type * as Errors from "../Api/Errors.js"
import { SessionRequest } from "../Api/Session.js"
import { Auth, type AuthShape } from "../access/Auth.js"
import { sessionSeconds, ticketSeconds } from "../access/sessions.js"
import { TokenAttempts, type TokenAttemptsShape } from "../access/TokenAttempts.js"
import { tooManyAttempts } from "../access/tooManyAttempts.js"
import { readText } from "./request/readText.js"

type Request = HttpServerRequest.HttpServerRequest

/** The largest body that is read of a request that has no credential yet, in bytes. */
const maxBodyBytes = 16 * 1024

const setCookie = (auth: AuthShape, { headers }: Request, value: string, seconds: number): string => {
  const secure = headers["origin"]?.startsWith("https:") === true ? "; Secure" : ""
  return `${auth.cookieName(headers)}=${value}; Path=${auth.cookiePath}; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure}`
}

const noContent = (cookie: string) => HttpServerResponse.empty({ status: 204, headers: { "set-cookie": cookie } })

const notAllowed = (message: string): typeof Errors.NotAllowed.Type => ({ _tag: "NotAllowed", message })

const tokenRequired = notAllowed(
  'Opening a session requires the token: send it as {"token": "..."} in a JSON body, as "X-Dockwire-Token: <token>" or as "Authorization: Bearer <token>".'
)

const wrongToken = notAllowed(
  "The server does not accept this token. Use the token in the link that Dockwire printed when it started or, if it was started with a token of your own, that one."
)

const decodeRequest = Schema.decodeUnknownOption(Schema.parseJson(SessionRequest))

/** The token in the body of a request, if it has one. */
const tokenInBody = (request: Request): Effect.Effect<string | undefined> => {
  if (Number(request.headers["content-length"] ?? 0) > maxBodyBytes) return Effect.succeed(undefined)
  return Effect.map(readText(request, maxBodyBytes), (text) =>
    Option.match(decodeRequest(text), { onNone: () => undefined, onSome: ({ token }) => token })
  )
}

/** Opens a session in exchange for the token, which a header or the body presents. */
const open = (auth: AuthShape, attempts: TokenAttemptsShape, request: Request) =>
  Effect.gen(function* () {
    const { headers, remoteAddress } = request
    const inHeader = auth.tokenIn(headers)
    const inBody = inHeader === undefined ? yield* tokenInBody(request) : undefined
    if (inBody === undefined && !auth.presentsToken(headers)) return yield* Effect.fail(tokenRequired)
    const judged = attempts.judge(
      { headers, peer: Option.getOrUndefined(remoteAddress) },
      () => inHeader ?? (inBody === undefined ? undefined : auth.findToken(inBody))
    )
    if (judged === undefined) return yield* Effect.fail(wrongToken)
    if (!("id" in judged)) return tooManyAttempts(judged)
    return noContent(setCookie(auth, request, yield* auth.openSession(judged), sessionSeconds))
  })

/** Who sent a request that has passed `requireCredential`. */
const describe = (auth: AuthShape, { headers }: Request) =>
  Effect.gen(function* () {
    const found = yield* auth.check(headers)
    // The token may have expired in between.
    if (found === undefined) return yield* Effect.fail(wrongToken)
    const { expires, name, scopes } = found.token
    return {
      name,
      credential: found.credential === "session" ? ("session" as const) : ("token" as const),
      scopes,
      allowed: auth.allowedScopes(found.token),
      ...auth.limits,
      ...(expires === undefined ? {} : { expires: new Date(expires).toISOString() })
    }
  })

export const layer = HttpApiBuilder.group(Api, "session", (handlers) =>
  Effect.gen(function* () {
    const auth = yield* Auth
    const attempts = yield* TokenAttempts
    return handlers
      .handle("describe", ({ request }) => describe(auth, request))
      .handleRaw("open", ({ request }) => open(auth, attempts, request))
      .handleRaw("close", ({ request }) =>
        Effect.as(auth.closeSession(request.headers), noContent(setCookie(auth, request, "", 0)))
      )
      .handle("ticket", ({ request }) =>
        Effect.map(auth.issueTicket(request.headers), (ticket) => ({ ticket, expiresIn: ticketSeconds }))
      )
  })
)
