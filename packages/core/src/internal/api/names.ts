import * as Effect from "effect/Effect"
import { ContainerNotFound } from "../../DockerError.js"

/**
 * The pattern of container ids and names. The engine lists names with a leading slash and accepts both forms. A name with
 * an inner slash, such as `web/db`, is an alias that a legacy link has added to the container `db`.
 */
const idOrName = /^\/?([a-zA-Z0-9][a-zA-Z0-9_.-]*(?:\/[a-zA-Z0-9][a-zA-Z0-9_.-]*)*)$/

/**
 * The names of a container without their leading slashes, its own name first. The engine sorts the names, so that an
 * alias added by a legacy link, such as `web/db`, may come before the container's own name.
 */
export const ownNameFirst = (names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const bare = names.map((name) => (name.startsWith("/") ? name.slice(1) : name))
  return bare.length < 2
    ? bare
    : [...bare.filter((name) => !name.includes("/")), ...bare.filter((name) => name.includes("/"))]
}

/** The path of a container endpoint. Fails without a request if the id cannot belong to any container. */
export const containerPath = (id: string, suffix: string): Effect.Effect<string, ContainerNotFound> => {
  const name = idOrName.exec(id)?.[1]
  return name !== undefined
    ? Effect.succeed(`/containers/${encodeURIComponent(name)}${suffix}`)
    : Effect.fail(
        new ContainerNotFound({
          containerId: id,
          detail:
            'request not sent: container ids and names consist of letters, digits, "_", "." and "-" and start with a letter or digit'
        })
      )
}

/**
 * Encodes a name as a path segment. Returns `undefined` if that is impossible: the engine normalizes `.`, `..` and
 * empty segments even when they are encoded, and matches no route whose path contains a newline.
 */
export const encodePathSegment = (name: string): string | undefined =>
  /[\p{Surrogate}\n]/u.test(name) || name.split("/").some((part) => part === "" || part === "." || part === "..")
    ? undefined
    : encodeURIComponent(name)
