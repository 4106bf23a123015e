import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { DockerRequest, DockerShape } from "../../Docker.js"
import { type DockerFailure, EngineError } from "../../DockerError.js"
import { schemaCheck } from "./schemaCheck.js"

/** The explanation of why a response cannot be decoded may quote all of it. */
const maxDetailLength = 4_000

/** The error of a response that cannot be decoded. */
export const undecodable = (request: DockerRequest, status: number, detail: string): EngineError =>
  new EngineError({
    request: `${request.method} ${request.path}`,
    status,
    detail: `cannot decode the response: ${detail.length > maxDetailLength ? `${detail.slice(0, maxDetailLength)}...` : detail}`
  })

/**
 * Creates a decoder for the engine's responses. It fails with an `EngineError` if a response does not match the schema.
 * Decoded values keep properties that the schema does not declare. A value that passes `check` is valid, whatever the schema.
 */
export const decodeResponse = <A, I>(
  schema: Schema.Schema<A, I>,
  check: ((value: unknown) => value is A) | undefined = schemaCheck(schema)
) => {
  const decode = Schema.decodeUnknownEither(schema)
  return (request: DockerRequest, status: number, body: unknown): Effect.Effect<A, EngineError> => {
    if (check !== undefined && check(body)) return Effect.succeed(body)
    const failure = (detail: string) => undecodable(request, status, detail)
    // The slow path explains why the check failed. Neither it nor the explanation copes with any depth of nesting.
    return Effect.try({
      try: () => Either.mapLeft(decode(body), (error) => failure(ParseResult.TreeFormatter.formatErrorSync(error))),
      catch: (error) => failure(String(error))
    }).pipe(Effect.flatten)
  }
}

/** An optional property that the engine may also send as `null`. */
export const nullable = <A, I, R>(schema: Schema.Schema<A, I, R>) => Schema.optional(Schema.NullOr(schema))

/** A map from string to string, such as labels and driver options. */
export const StringRecord = Schema.Record({ key: Schema.String, value: Schema.String })

/** A complete response from the engine. */
export const RawObject = Schema.Record({ key: Schema.String, value: Schema.Unknown }).annotations({
  description: "The complete response from the engine"
})

/** Checks that a response is an object and returns it without copying. */
export const decodeRaw = decodeResponse(
  Schema.declare(Predicate.isReadonlyRecord, { identifier: "object" }),
  Predicate.isReadonlyRecord
)

/**
 * Creates a decoder that makes something of the decoded response and the complete one. As the first check of a response most
 * often settles both, this takes half the time of two decoders.
 */
export const decodeWithRaw = <A, I, B>(
  schema: Schema.Schema<A, I>,
  make: (value: A, raw: typeof RawObject.Type) => B
) => {
  const check = schemaCheck(schema)
  const decode = decodeResponse(schema, check)
  return (request: DockerRequest, status: number, body: unknown): Effect.Effect<B, EngineError> =>
    check !== undefined && check(body) && Predicate.isReadonlyRecord(body)
      ? Effect.succeed(make(body, body))
      : Effect.zipWith(decode(request, status, body), decodeRaw(request, status, body), make)
}

/** Sends a request and decodes the response. */
export const requestDecoded = <A>(
  docker: DockerShape,
  request: DockerRequest,
  decode: (request: DockerRequest, status: number, body: unknown) => Effect.Effect<A, EngineError>
): Effect.Effect<A, DockerFailure> =>
  Effect.flatMap(docker.json(request), ({ body, status }) => decode(request, status, body))
