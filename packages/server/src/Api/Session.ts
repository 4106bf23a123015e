/** Sessions and tickets over HTTP. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { ReadsBody } from "./fields/requestBody.js"
import { RequiredScope, Scope } from "./RequiredScope.js"

/** Who sent the request, and what they may do. */
export const SessionInfo = Schema.Struct({
  name: Schema.String.annotations({ description: "`operator`, or the name of a token in the tokens file" }),
  credential: Schema.Literal("token", "session").annotations({ description: "How the request authenticated" }),
  scopes: Schema.Array(Scope).annotations({ description: "What the token allows" }),
  allowed: Schema.Array(Scope).annotations({ description: "`scopes` without what is switched off for everyone" }),
  readOnly: Schema.Boolean.annotations({ description: "Whether the server only reads" }),
  execEnabled: Schema.Boolean.annotations({ description: "Whether the server runs commands in containers" }),
  expires: Schema.optionalWith(Schema.String.annotations({ description: "When the token expires" }), { exact: true })
}).annotations({ identifier: "SessionInfo" })

/** What opens a session. */
export const SessionRequest = Schema.Struct({
  token: Schema.String.annotations({ description: "The server's token, or one of the tokens file" })
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

/** Opens and closes a session, tells who one is, and issues tickets for WebSockets. */
export class SessionApi extends HttpApiGroup.make("session")
  .add(
    HttpApiEndpoint.get("describe", "/session")
      .addSuccess(SessionInfo)
      .annotate(OpenApi.Description, "Who sent the request, and what they may do.")
      .annotate(RequiredScope, "none")
  )
  .add(
    HttpApiEndpoint.post("open", "/session")
      .setPayload(SessionRequest)
      .annotate(
        OpenApi.Description,
        "Sets a session cookie in exchange for the token, in the body or in a header. The body suits browsers behind a proxy that uses the Authorization header."
      )
      .annotate(OpenApi.Transform, optionalBody)
      .annotate(ReadsBody, true)
      // The handler asks for the token, which may be in the body.
      .annotate(RequiredScope, "open")
  )
  .add(HttpApiEndpoint.del("close", "/session").annotate(RequiredScope, "none"))
  .add(HttpApiEndpoint.post("ticket", "/ws-ticket").addSuccess(Ticket).annotate(RequiredScope, "none"))
  .prefix("/api") {}
