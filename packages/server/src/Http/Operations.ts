/** The handlers of `OperationsApi`. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Api } from "../Api/Api.js"
import { toErrorBody } from "../Api/Errors.js"
import type { OperationLogLine } from "../OperationSummary.js"
import { Operations } from "../operations/Operations.js"

const ndjson = "application/x-ndjson"

const asText = ({ text }: OperationLogLine): string => `${text}\n`
const asJson = (line: OperationLogLine): string => `${JSON.stringify(line)}\n`

export const layer = HttpApiBuilder.group(Api, "operations", (handlers) =>
  Effect.gen(function* () {
    const operations = yield* Operations
    return handlers
      .handle("list", ({ urlParams }) => operations.list(urlParams))
      .handle("get", ({ path }) => Effect.mapError(operations.get(path.id), toErrorBody))
      .handleRaw("lines", ({ path, request, urlParams }) =>
        Effect.gen(function* () {
          yield* Effect.mapError(operations.get(path.id), toErrorBody)
          const isJson = request.headers["accept"]?.includes(ndjson) === true
          const encode = isJson ? asJson : asText
          const bytes = operations.lines(path.id, urlParams.after).pipe(
            // It was found above, so that it can only have been deleted since: its lines end here.
            Stream.catchTag("OperationNotFound", () => Stream.empty),
            Stream.map((lines) => lines.map(encode).join("")),
            Stream.encodeText
          )
          return HttpServerResponse.stream(bytes, { contentType: isJson ? ndjson : "text/plain; charset=utf-8" })
        })
      )
      .handle("cancel", ({ path }) => Effect.mapError(operations.cancel(path.id), toErrorBody))
  })
)
