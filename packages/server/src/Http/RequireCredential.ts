/** Lets only who may through to the API. */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import { Auth } from "../access/Auth.js"

const answer = (status: number, _tag: string, message: string) =>
  Effect.succeed(
    HttpServerResponse.unsafeJson(
      { _tag, message },
      { status, headers: status === 401 ? { "www-authenticate": "Bearer", "cache-control": "no-store" } : {} }
    )
  )

const notAllowed = answer(
  401,
  "NotAllowed",
  "Open the link with #token= that the server prints when it starts, or send Authorization: Bearer <token>."
)

const crossSite = answer(
  403,
  "OriginNotAllowed",
  "With a cookie, only the server's own pages may do this; scripts send the token."
)

const isSafe = (method: string): boolean => method === "GET" || method === "HEAD" || method === "OPTIONS"

/**
 * Whether a request with a cookie comes from one of the server's own pages. A browser sends the cookie by itself, also for
 * a page of another port of this host; what it adds about the page can't be forged by one.
 */
const fromOwnPage = (request: HttpServerRequest.HttpServerRequest): boolean => {
  const site = request.headers["sec-fetch-site"]
  if (site !== undefined) return site === "same-origin" || (site === "none" && isSafe(request.method))
  // Of an origin that was sent, `guard` has already seen to it that it is ours.
  return isSafe(request.method) || request.headers["origin"] !== undefined
}

/** 401 without a valid credential; 403 for a cookie that another site's page had sent. */
export const requireCredential = HttpLayerRouter.middleware(
  Effect.map(
    Auth,
    (auth) => (app: Effect.Effect<HttpServerResponse.HttpServerResponse, HttpLayerRouter.unhandled>) =>
      Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
        const port = NodeHttpServerRequest.toIncomingMessage(request).socket.localPort ?? 0
        const credential = auth.check({ ...request.headers, "sec-websocket-protocol": undefined }, port)
        if (credential === undefined) return notAllowed
        return credential === "session" && !fromOwnPage(request) ? crossSite : app
      })
  )
)
