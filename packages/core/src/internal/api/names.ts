import * as Effect from "effect/Effect"
import { ContainerNotFound, InvalidRequest } from "../../DockerError.js"

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

/**
 * A name as a part of a path; `undefined` where it can't be one, whatever is done to it: the engine makes paths with `..`,
 * `.` and nothing between slashes shorter, also when they are encoded, and knows no path with the end of a line in it.
 */
export const pathPart = (name: string): string | undefined =>
  /[\p{Surrogate}\n]/u.test(name) || name.split("/").some((part) => part === "" || part === "." || part === "..")
    ? undefined
    : encodeURIComponent(name)

/** A name as the engine wants those of containers and of its own volumes. */
export const checkedName = (field: string, name: string): Effect.Effect<string, InvalidRequest> =>
  /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)
    ? Effect.succeed(name)
    : Effect.fail(
        new InvalidRequest({
          field,
          value: name,
          detail: "give two or more letters, digits, '_', '.' and '-', the first a letter or digit"
        })
      )
