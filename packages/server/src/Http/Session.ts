/** The handlers of `SessionApi`. */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import { Api } from "../Api/Api.js"
import type * as Errors from "../Api/Errors.js"
import { Auth, cookieName, sessionSeconds, ticketSeconds } from "../access/Auth.js"

const incoming = NodeHttpServerRequest.toIncomingMessage

const portOf = (request: HttpServerRequest.HttpServerRequest): number => incoming(request).socket.localPort ?? 0

const setCookie = (request: HttpServerRequest.HttpServerRequest, value: string, seconds: number): string => {
  const secure = request.headers["origin"]?.startsWith("https:") === true ? "; Secure" : ""
  return `${cookieName(portOf(request))}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure}`
}

const noContent = (cookie: string) => HttpServerResponse.empty({ status: 204, headers: { "set-cookie": cookie } })

const tokenRequired: typeof Errors.NotAllowed.Type = {
  _tag: "NotAllowed",
  message:
    'Opening a session requires the token that Dockwire printed when it started, as "Authorization: Bearer <token>".'
}

export const layer = HttpApiBuilder.group(Api, "session", (handlers) =>
  Effect.gen(function* () {
    const auth = yield* Auth
    return handlers
      .handleRaw("open", ({ request }) =>
        auth.hasToken(incoming(request).headers)
          ? Effect.map(auth.openSession, (session) => noContent(setCookie(request, session, sessionSeconds)))
          : Effect.fail(tokenRequired)
      )
      .handleRaw("close", ({ request }) =>
        Effect.as(auth.closeSession(incoming(request).headers, portOf(request)), noContent(setCookie(request, "", 0)))
      )
      .handle("ticket", () => Effect.map(auth.issueTicket, (ticket) => ({ ticket, expiresIn: ticketSeconds })))
  })
)
