/** Sessions and tickets over HTTP. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as Schema from "effect/Schema"

/** A ticket that opens one WebSocket. */
export const Ticket = Schema.Struct({
  ticket: Schema.String,
  expiresIn: Schema.Number.annotations({ description: "Seconds" })
}).annotations({ identifier: "Ticket" })

/** Opens and closes a session, and issues tickets for WebSockets. */
export class SessionApi extends HttpApiGroup.make("session")
  .add(HttpApiEndpoint.post("open", "/session"))
  .add(HttpApiEndpoint.del("close", "/session"))
  .add(HttpApiEndpoint.post("ticket", "/ws-ticket").addSuccess(Ticket))
  .prefix("/api") {}
