/** Middleware that lets a request through to its route only if it may use it, and keeps a record of what changes something. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Errors from "../../Api/Errors.js"
import { Auth } from "../../access/Auth.js"
import { Identity } from "../../access/Identity.js"
import { clientAddress, TokenAttempts } from "../../access/TokenAttempts.js"
import { tooManyAttempts } from "../../access/tooManyAttempts.js"
import { audited } from "./audited.js"
import { endWith } from "./endWith.js"
import { routeScopes } from "./routeScope.js"

const respond = (
  status: number,
  body:
    | typeof Errors.NotAllowed.Type
    | typeof Errors.OriginNotAllowed.Type
    | typeof Errors.ReadOnly.Type
    | typeof Errors.ExecDisabled.Type
    | typeof Errors.ScopeMissing.Type
) =>
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

/**
 * Responds with 401 without a valid credential, with 429 after too many wrong tokens, and with 403 to a cookie sent by
 * another site's page, and to who lacks the scope of the route. Handlers find out from `Identity` who sent the request.
 */
export const requireCredential = HttpLayerRouter.middleware(
  Effect.map(Effect.all([Auth, TokenAttempts]), ([auth, attempts]) => {
    const scopes = routeScopes()
    return (app: Effect.Effect<HttpServerResponse.HttpServerResponse, HttpLayerRouter.unhandled>) =>
      Effect.gen(function* () {
        const { route } = yield* HttpLayerRouter.RouteContext
        // A route that nobody has declared is open to those only who may do everything.
        const scope = scopes.get(`${route.method} ${route.path}`) ?? "exec"
        if (scope === "open") return yield* app
        const request = yield* HttpServerRequest.HttpServerRequest
        const { headers, remoteAddress } = request
        const attempt = { headers, peer: Option.getOrUndefined(remoteAddress) }
        const found = yield* attempts.check(auth, attempt)
        if (found === undefined) return yield* notAllowed
        if (found._tag === "TooManyAttempts") return tooManyAttempts(found)
        const { name, scopes: granted } = found.token
        const who = { name, scopes: granted }
        if (found.credential === "session" && !isFromOwnPage(request)) return yield* originNotAllowed
        const denial = scope === "none" ? undefined : auth.denial(scope, who)
        const handled = denial === undefined ? Effect.provideService(app, Identity, who) : respond(403, denial)
        if (scope === "none" || scope === "read") return endWith(auth, found, yield* handled)
        const target = { method: request.method, path: request.url.split("?")[0] ?? "" }
        return endWith(
          auth,
          found,
          yield* audited({ who: name, address: clientAddress(attempt), scope, ...target }, handled)
        )
      })
  })
)
