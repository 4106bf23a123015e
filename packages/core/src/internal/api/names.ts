import * as Effect from "effect/Effect"
import { ContainerNotFound, InvalidRequest } from "../../DockerError.js"

/** The engine's pattern for container ids and names in a path. */
const idOrName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/

/** The path of a container endpoint. Fails without a request if the id cannot belong to any container. */
export const containerPath = (id: string, suffix: string): Effect.Effect<string, ContainerNotFound> =>
  idOrName.test(id)
    ? Effect.succeed(`/containers/${id}${suffix}`)
    : Effect.fail(
        new ContainerNotFound({
          containerId: id,
          detail:
            'request not sent: container ids and names consist of letters, digits, "_", "." and "-" and start with a letter or digit'
        })
      )

/**
 * Encodes a name as a path segment. Returns `undefined` if that is impossible: the engine normalizes `.`, `..` and
 * empty segments even when they are encoded, and matches no route whose path contains a newline.
 */
export const encodePathSegment = (name: string): string | undefined =>
  /[\p{Surrogate}\n]/u.test(name) || name.split("/").some((part) => part === "" || part === "." || part === "..")
    ? undefined
    : encodeURIComponent(name)

/** Checks a name against the engine's pattern for container and local volume names. */
export const validateName = (field: string, name: string): Effect.Effect<string, InvalidRequest> =>
  /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)
    ? Effect.succeed(name)
    : Effect.fail(
        new InvalidRequest({
          field,
          value: name,
          detail:
            'must be at least two characters long, consist of letters, digits, "_", "." and "-", and start with a letter or digit'
        })
      )
