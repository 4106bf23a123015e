/**
 * A typed client of the HTTP API, for programs that use Effect. It has a method for each endpoint, derived from the schemas that
 * the server itself uses, and loads nothing of the server.
 *
 * @since 0.1.0
 */
import * as HttpApiClient from "@effect/platform/HttpApiClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { Api } from "./Api/Api.js"

export { Api }

/**
 * Which server to ask, and as whom.
 *
 * @since 0.1.0
 * @category models
 */
export interface ApiClientOptions {
  /** The server's address, such as `http://127.0.0.1:7070`. */
  readonly url: string
  /** A token of the server. */
  readonly token: Redacted.Redacted
}

/**
 * Makes a client. A method takes `path`, `urlParams`, `payload` and `headers`, as far as its endpoint has them, and fails with the
 * errors that its endpoint declares, by their `_tag`. It reads a response to its end, so a log is not followed this way.
 *
 * @example
 * ```ts
 * import { makeApiClient } from "@dockwire/server/api"
 * import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 *
 * const program = Effect.gen(function* () {
 *   const token = Redacted.make(process.env["DOCKWIRE_TOKEN"] ?? "")
 *   const api = yield* makeApiClient({ url: "http://127.0.0.1:7070", token })
 *   const running = yield* api.containers.list({ urlParams: { all: false } })
 *   console.log(running.map(({ name }) => name))
 * })
 *
 * await Effect.runPromise(Effect.provide(program, FetchHttpClient.layer))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeApiClient = ({ token, url }: ApiClientOptions) =>
  HttpApiClient.make(Api, {
    baseUrl: url,
    transformClient: HttpClient.mapRequest(HttpClientRequest.bearerToken(token))
  })

/**
 * A client, with its endpoints by group.
 *
 * @since 0.1.0
 * @category models
 */
export type ApiClient = Effect.Effect.Success<ReturnType<typeof makeApiClient>>
