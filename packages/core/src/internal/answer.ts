import * as Effect from "effect/Effect"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { DockerRequest } from "../Docker.js"
import { ContainerNotFound, EngineError } from "../DockerError.js"

/** Decodes what the engine answered; an answer of another shape is an `EngineError`. */
export const decodeAnswer = <A, I>(schema: Schema.Schema<A, I>) => {
  const decode = Schema.decodeUnknown(schema)
  return (request: DockerRequest, status: number, body: unknown): Effect.Effect<A, EngineError> =>
    Effect.mapError(
      decode(body),
      (error) =>
        new EngineError({
          request: `${request.method} ${request.path}`,
          status,
          detail: `an answer that is not understood: ${ParseResult.TreeFormatter.formatErrorSync(error)}`
        })
    )
}

const idOrName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/

/** The path of a container; what the engine's own pattern refuses names no container, and is not sent. */
export const containerPath = (id: string, rest: string): Effect.Effect<string, ContainerNotFound> =>
  idOrName.test(id)
    ? Effect.succeed(`/containers/${id}${rest}`)
    : Effect.fail(
        new ContainerNotFound({
          containerId: id,
          detail:
            "nothing was asked, as ids and names hold only letters, digits, '_', '.' and '-', the first a letter or digit"
        })
      )

/** The rule that every method on one container shares: 404 with these words is the container, not the route. */
export const containerNotFound = (id: string, error: EngineError): ContainerNotFound | undefined =>
  error.status === 404 && /no such container|no container with/i.test(error.detail)
    ? new ContainerNotFound({ containerId: id, detail: error.detail })
    : undefined
