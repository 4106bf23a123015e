/** Sessions and tickets over HTTP. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as Schema from "effect/Schema"

/** A ticket for one WebSocket. */
export const Ticket = Schema.Struct({
  ticket: Schema.String,
  expiresIn: Schema.Number.annotations({ description: "Seconds" })
}).annotations({ identifier: "Ticket" })

/** Trade the token for a cookie, give the cookie up, and get a ticket for a WebSocket. */
export class SessionApi extends HttpApiGroup.make("session")
  .add(HttpApiEndpoint.post("open", "/session"))
  .add(HttpApiEndpoint.del("close", "/session"))
  .add(HttpApiEndpoint.post("ticket", "/ws-ticket").addSuccess(Ticket))
  .prefix("/api") {}
