import type * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { invalidBody } from "./containerConfig.js"
import type { EngineState, MemoryContainer } from "../state/engineState.js"
import type { Query } from "./query.js"
import { ErrorResponse } from "../state/errorResponse.js"

/** An answer that is there at once. */
export interface JsonResponse {
  readonly _tag: "Json"
  readonly status: number
  /** `undefined` for none. */
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer that goes on, and may be written to where the connection was handed over. */
export interface StreamResponse {
  readonly _tag: "Stream"
  readonly status: number
  readonly contentType: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: Stream.Stream<Uint8Array>
  readonly write: (bytes: Uint8Array) => Effect.Effect<void>
  readonly end: Effect.Effect<void>
}

/** What the engine answers. */
export type EngineResponse = JsonResponse | StreamResponse

/** An answer that is there at once. */
export const jsonResponse = (status: number, body?: unknown): JsonResponse => ({ _tag: "Json", status, body })

/** A request on its way to its answer. */
export interface Call {
  readonly state: EngineState
  /** What stands in the path where the route has a name in braces. */
  readonly parameter: string
  readonly query: Query
  readonly body: unknown
  /** What comes in place of a body that is JSON. */
  readonly upload: Stream.Stream<Uint8Array>
  /** Whether the caller takes the connection over. */
  readonly upgrade: boolean
}

/** What answers a request. */
export type Handler = (call: Call) => Effect.Effect<EngineResponse, ErrorResponse, Scope.Scope>

/** `GET /containers/{id}/json` and what answers it. */
export type Routes = Readonly<Record<string, Handler>>

/** Reads the body, or refuses it. */
export const readBody =
  <A, I>(schema: Schema.Schema<A, I>) =>
  ({ body }: Call): Either.Either<A, ErrorResponse> =>
    Either.mapLeft(Schema.decodeUnknownEither(schema)(body ?? {}), invalidBody)

/** What was found, or the refusal. */
export const found = <A>(value: A | ErrorResponse): Either.Either<A, ErrorResponse> =>
  value instanceof ErrorResponse ? Either.left(value) : Either.right(value)

/** The container that the path names. */
export const targetContainer = ({ parameter, state }: Call): Either.Either<MemoryContainer, ErrorResponse> =>
  found(state.container(parameter))
