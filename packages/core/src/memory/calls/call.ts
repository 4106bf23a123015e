import type * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { DockerRequest } from "../../Docker.js"
import type { EngineState } from "../state/engineState.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import type { MemoryContainer } from "../state/memoryContainer.js"
import type { Query } from "./query.js"
import type { EngineResponse } from "./response.js"

/** A request that matched a route. */
export interface Call {
  readonly state: EngineState
  /** The path parameter, decoded; empty if the route has none. */
  readonly parameter: string
  readonly query: Query
  readonly headers: NonNullable<DockerRequest["headers"]>
  /** The JSON body. */
  readonly body: unknown
  /** The body, if it is not JSON. */
  readonly upload: Stream.Stream<Uint8Array>
  /** Whether the client asked to take the connection over. */
  readonly upgrade: boolean
}

/** Handles the calls of a route. */
export type Handler = (call: Call) => Effect.Effect<EngineResponse, ErrorResponse, Scope.Scope>

/** Handlers by method and path, such as `GET /containers/{id}/json`. */
export type Routes = Readonly<Record<string, Handler>>

/** Returns a decoder for JSON bodies. */
export const bodyDecoder = <A, I>(schema: Schema.Schema<A, I>) => {
  const decode = Schema.decodeUnknownEither(schema)
  return (body: unknown): Either.Either<A, ErrorResponse> =>
    Either.mapLeft(decode(body), (error) =>
      errorResponse(400, `invalid JSON: ${ParseResult.TreeFormatter.formatErrorSync(error)}`)
    )
}

/** Decodes the body of a call; a missing one as `{}`. */
export const decodeBody = <A, I>(schema: Schema.Schema<A, I>) => {
  const decode = bodyDecoder(schema)
  return ({ body }: Call): Either.Either<A, ErrorResponse> => decode(body ?? {})
}

/** Finds the container that the path names. */
export const targetContainer = ({ parameter, state }: Call): Either.Either<MemoryContainer, ErrorResponse> =>
  state.findContainer(parameter)
