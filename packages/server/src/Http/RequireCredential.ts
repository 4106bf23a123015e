/** Middleware that lets only authenticated requests through to the API. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Errors from "../Api/Errors.js"
import { Auth } from "../access/Auth.js"
import { TokenAttempts } from "../access/TokenAttempts.js"
import { tooManyAttempts } from "../access/tooManyAttempts.js"

const respond = (status: number, body: typeof Errors.NotAllowed.Type | typeof Errors.OriginNotAllowed.Type) =>
  Effect.succeed(
    HttpServerResponse.unsafeJson(body, {
      status,
      headers: status === 401 ? { "www-authenticate": "Bearer", "cache-control": "no-store" } : {}
    })
  )

const notAllowed = respond(401, {
  _tag: "NotAllowed",
  message:
    'The request has no valid credential. Open the link that Dockwire printed when it started, or send its token as "Authorization: Bearer <token>" or "X-Dockwire-Token: <token>".'
})

const originNotAllowed = respond(403, {
  _tag: "OriginNotAllowed",
  message:
    'The session cookie is valid only in the server\'s own pages. Scripts send the token as "Authorization: Bearer <token>" or "X-Dockwire-Token: <token>".'
})

const isSafe = (method: string): boolean => method === "GET" || method === "HEAD" || method === "OPTIONS"

/**
 * Whether a request with a cookie comes from one of the server's own pages. A browser attaches the cookie by itself, even for
 * a page on another port of this host; but what it reports about the page cannot be forged by the page.
 */
const isFromOwnPage = (request: HttpServerRequest.HttpServerRequest): boolean => {
  const site = request.headers["sec-fetch-site"]
  if (site !== undefined) return site === "same-origin" || (site === "none" && isSafe(request.method))
  // If there is an Origin, `guard` has already checked that it is ours.
  return isSafe(request.method) || request.headers["origin"] !== undefined
}

/** Opening a session is where the token itself is presented, which the handler checks: it may be in the body. */
const opensSession = (request: HttpServerRequest.HttpServerRequest): boolean =>
  request.method === "POST" && request.url.split("?")[0] === "/api/session"

/** Responds with 401 without a valid credential, with 429 after too many wrong tokens, and with 403 to a cookie sent by another site's page. */
export const requireCredential = HttpLayerRouter.middleware(
  Effect.map(
    Effect.all([Auth, TokenAttempts]),
    ([auth, attempts]) =>
      (app: Effect.Effect<HttpServerResponse.HttpServerResponse, HttpLayerRouter.unhandled>) =>
        Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
          if (opensSession(request)) return app
          const { headers, remoteAddress } = request
          const credential = attempts.check(auth, { headers, peer: Option.getOrUndefined(remoteAddress) })
          if (credential === undefined) return notAllowed
          if (typeof credential === "object") return Effect.succeed(tooManyAttempts(credential))
          return credential === "session" && !isFromOwnPage(request) ? originNotAllowed : app
        })
  )
)
