/** Middleware that checks requests against the schemas of the API, and says what is wrong with them. */
import { InvalidRequest } from "@dockwire/core/DockerError"
import * as FileSystem from "@effect/platform/FileSystem"
import * as HttpIncomingMessage from "@effect/platform/HttpIncomingMessage"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { maxBodyBytes } from "../../Api/fields/requestBody.js"
import { toErrorBody } from "../../Api/Errors.js"
import { contentType, tooLarge, unsupported } from "./bodyRefusals.js"
import { type EndpointChecks, endpointChecks, endpointKey } from "./EndpointChecks.js"

const invalid = (error: InvalidRequest) => HttpServerResponse.unsafeJson(toErrorBody(error), { status: 400 })

const notJson = (text: string) =>
  new InvalidRequest({
    field: "body",
    value: text.slice(0, 200),
    detail: text === "" ? "must be JSON, but is empty" : "must be JSON"
  })

const parseJson = (text: string): Option.Option<unknown> => {
  try {
    return Option.some(JSON.parse(text))
  } catch {
    return Option.none()
  }
}

/** Reads and checks a JSON body. The handler reads the text again, which the request has kept. */
const checkBody = (
  request: HttpServerRequest.HttpServerRequest,
  { check, contentTypes }: NonNullable<EndpointChecks["body"]>
): Effect.Effect<HttpServerResponse.HttpServerResponse | undefined> => {
  const sent = contentType(request, contentTypes[0] ?? "application/json")
  if (!contentTypes.includes(sent)) return Effect.succeed(unsupported(sent, contentTypes))
  // Of a body that does not tell its length, the connection ends at the limit.
  if (Number(request.headers["content-length"] ?? 0) > maxBodyBytes) return Effect.succeed(tooLarge(maxBodyBytes))
  return request.text.pipe(
    HttpIncomingMessage.withMaxBodySize(Option.some(FileSystem.Size(maxBodyBytes))),
    Effect.map((text) => {
      const body = parseJson(text)
      const problem = Option.isNone(body) ? notJson(text) : check(body.value)
      return problem === undefined ? undefined : invalid(problem)
    }),
    Effect.orElseSucceed(() => tooLarge(maxBodyBytes))
  )
}

/** Responds with 400, 413 or 415 to a request that the endpoint does not accept. */
export const checkRequest = HttpLayerRouter.middleware(
  Effect.sync(() => {
    const checks = endpointChecks()
    return (app: Effect.Effect<HttpServerResponse.HttpServerResponse, HttpLayerRouter.unhandled>) =>
      Effect.gen(function* () {
        const { params, route } = yield* HttpLayerRouter.RouteContext
        const endpoint = checks.get(endpointKey(route.method, route.path))
        if (endpoint === undefined) return yield* app
        const query = yield* HttpServerRequest.ParsedSearchParams
        const request = yield* HttpServerRequest.HttpServerRequest
        const problem = endpoint.query(query) ?? endpoint.path(params) ?? endpoint.headers(request.headers)
        if (problem !== undefined) return invalid(problem)
        if (endpoint.body === undefined) return yield* app
        const refusal = yield* checkBody(request, endpoint.body)
        return refusal ?? (yield* app)
      })
  })
)
