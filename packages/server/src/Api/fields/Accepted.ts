/** The answer to a request that takes time. */
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as Schema from "effect/Schema"

/** 202: the operation runs, and goes on when the caller leaves. */
export const Accepted = Schema.Struct({
  log_id: Schema.String.annotations({ description: "The id of the operation, a UUID" }),
  room: Schema.String.annotations({ description: "The room to join over the WebSocket to watch it" })
}).annotations({ identifier: "Accepted", ...HttpApiSchema.annotations({ status: 202 }) })

/** See the schema. */
export type Accepted = typeof Accepted.Type

/** The body for what `Operations.start` returns. */
export const toAccepted = ({ logId, room }: { readonly logId: string; readonly room: string }): Accepted => ({
  log_id: logId,
  room
})
