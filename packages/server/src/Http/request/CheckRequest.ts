/** Middleware that checks requests against the schemas of the API, and says what is wrong with them. */
import { InvalidRequest } from "@dockwire/core/DockerError"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { maxBodyBytes } from "../../Api/fields/requestBody.js"
import { toErrorBody } from "../../Api/Errors.js"
import { contentType, tooLarge, unsupported } from "./bodyRefusals.js"
import { type EndpointChecks, endpointChecks, endpointKey } from "./EndpointChecks.js"
import { readText } from "./readText.js"

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

/** A request whose body has been read: the handler takes it as it is here. */
const withBody = (request: HttpServerRequest.HttpServerRequest, text: string, json: unknown) =>
  new Proxy(request, {
    get: (target, key): unknown =>
      key === "json" ? Effect.succeed(json) : key === "text" ? Effect.succeed(text) : Reflect.get(target, key)
  })

/** Reads and checks a JSON body. Returns the refusal, or the request with what was read. */
const checkBody = (
  request: HttpServerRequest.HttpServerRequest,
  { check, contentTypes }: NonNullable<EndpointChecks["body"]>
): Effect.Effect<Either.Either<HttpServerRequest.HttpServerRequest, HttpServerResponse.HttpServerResponse>> => {
  const sent = contentType(request, contentTypes[0] ?? "application/json")
  if (!contentTypes.includes(sent)) return Effect.succeed(Either.left(unsupported(sent, contentTypes)))
  if (Number(request.headers["content-length"] ?? 0) > maxBodyBytes) {
    return Effect.succeed(Either.left(tooLarge(maxBodyBytes)))
  }
  return Effect.map(readText(request, maxBodyBytes), (text) => {
    if (text === undefined) return Either.left(tooLarge(maxBodyBytes))
    const body = parseJson(text)
    if (Option.isNone(body)) return Either.left(invalid(notJson(text)))
    const problem = check(body.value)
    return problem === undefined ? Either.right(withBody(request, text, body.value)) : Either.left(invalid(problem))
  })
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
        const checked = yield* checkBody(request, endpoint.body)
        return Either.isLeft(checked)
          ? checked.left
          : yield* Effect.provideService(app, HttpServerRequest.HttpServerRequest, checked.right)
      })
  })
)
