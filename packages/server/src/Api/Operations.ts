/** Operations over HTTP. */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as OpenApi from "@effect/platform/OpenApi"
import * as Schema from "effect/Schema"
import { OperationDetails, OperationPage, OperationStatus } from "../OperationSummary.js"
import * as Errors from "./Errors.js"
import { RequiredScope } from "./RequiredScope.js"

const id = Schema.Struct({
  id: Schema.UUID.annotations({ message: () => "Pass the log_id of an operation, a UUID.", description: "Its log_id" })
})

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

const filter = Schema.Struct({
  kind: optional(Schema.String.annotations({ description: "Only of this kind: `pull_image`, `run_compose`, ..." })),
  status: optional(OperationStatus),
  target: optional(Schema.String.annotations({ description: "Only those on this target: `stack:web`" })),
  text: optional(
    Schema.String.annotations({ description: "Only those with this text in their id, kind, targets or error" })
  ),
  cursor: optional(Schema.String.annotations({ description: "`next` of the page before" })),
  limit: optional(
    Schema.NumberFromString.pipe(Schema.int(), Schema.between(1, 500)).annotations({
      description: "How many at most, from 1 to 500. Default: 50"
    })
  )
})

/** Lists, shows and cancels operations. */
export class OperationsApi extends HttpApiGroup.make("operations")
  .add(
    HttpApiEndpoint.get("list", "/")
      .setUrlParams(filter)
      .addSuccess(OperationPage)
      .annotate(OpenApi.Description, "The operations that are kept, the newest first.")
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.get("get", "/:id")
      .setPath(id)
      .addSuccess(OperationDetails)
      .addError(Errors.OperationNotFound)
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.get("lines", "/:id/lines")
      .setPath(id)
      .setUrlParams(
        Schema.Struct({
          after: optional(
            Schema.NumberFromString.pipe(Schema.int(), Schema.nonNegative()).annotations({
              description: "Only lines whose `seq` is higher"
            })
          )
        })
      )
      .addSuccess(Schema.String.pipe(HttpApiSchema.withEncoding({ kind: "Text", contentType: "text/plain" })))
      .addError(Errors.OperationNotFound)
      .annotate(
        OpenApi.Description,
        "What it has printed so far: text, or with `Accept: application/x-ndjson` one object of `seq`, `timestamp`, `stream` and `text` a line."
      )
      .annotate(RequiredScope, "read")
  )
  .add(
    HttpApiEndpoint.post("cancel", "/:id/cancel")
      .setPath(id)
      .addError(Errors.OperationNotFound)
      .annotate(
        OpenApi.Description,
        "Interrupts it, and answers when it has ended. If it had ended before, nothing happens."
      )
      .annotate(RequiredScope, "operate")
  )
  .prefix("/api/operations") {}
