/** Sessions and tickets over HTTP. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { RequiredScope } from "./RequiredScope.js"

/** What opens a session. */
export const SessionRequest = Schema.Struct({
  token: Schema.String.annotations({ description: "The server's token" })
}).annotations({ identifier: "SessionRequest" })

/** A ticket that opens one WebSocket. */
export const Ticket = Schema.Struct({
  ticket: Schema.String,
  expiresIn: Schema.Number.annotations({ description: "Seconds" })
}).annotations({ identifier: "Ticket" })

/** The token may be in a header instead, so the body is optional, which the builder cannot express. */
const optionalBody = (operation: Record<string, unknown>): Record<string, unknown> => {
  const body = operation["requestBody"]
  return typeof body === "object" ? { ...operation, requestBody: { ...body, required: false } } : operation
}

/** Opens and closes a session, and issues tickets for WebSockets. */
export class SessionApi extends HttpApiGroup.make("session")
  .add(
    HttpApiEndpoint.post("open", "/session")
      .setPayload(SessionRequest)
      .annotate(
        OpenApi.Description,
        "Sets a session cookie in exchange for the token, in the body or in a header. The body suits browsers behind a proxy that uses the Authorization header."
      )
      .annotate(OpenApi.Transform, optionalBody)
      .annotate(RequiredScope, "none")
  )
  .add(HttpApiEndpoint.del("close", "/session").annotate(RequiredScope, "none"))
  .add(HttpApiEndpoint.post("ticket", "/ws-ticket").addSuccess(Ticket).annotate(RequiredScope, "none"))
  .prefix("/api") {}
