import * as Effect from "effect/Effect"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { DockerRequest } from "../../Docker.js"
import { EngineError } from "../../DockerError.js"
import { schemaCheck } from "./schemaCheck.js"

/**
 * Decodes what the engine answered; an answer of another shape is an `EngineError`. What comes out may hold more than the
 * schema names.
 */
export const decodeAnswer = <A, I>(schema: Schema.Schema<A, I>) => {
  const check = schemaCheck(schema)
  const decode = Schema.decodeUnknown(schema)
  return (request: DockerRequest, status: number, body: unknown): Effect.Effect<A, EngineError> => {
    if (check !== undefined && check(body)) return Effect.succeed(body)
    // What is wrong is told in words by who takes longer.
    return Effect.mapError(
      decode(body),
      (error) =>
        new EngineError({
          request: `${request.method} ${request.path}`,
          status,
          detail: `an answer that is not understood: ${ParseResult.TreeFormatter.formatErrorSync(error)}`
        })
    )
  }
}

/** Where the engine sends `null` or nothing at all for what is not there. */
export const nullable = <A, I, R>(schema: Schema.Schema<A, I, R>) => Schema.optional(Schema.NullOr(schema))

/** String to string, as labels and options are. */
export const StringRecord = Schema.Record({ key: Schema.String, value: Schema.String })

/** The engine's own object, whole: as it came, and not a copy. */
export const rawObject = decodeAnswer(Schema.declare(Predicate.isReadonlyRecord, { identifier: "object" }))
