import * as Effect from "effect/Effect"
import { type ComposeError } from "../failure/composeFailure.js"
import { listProjectContainers } from "../project/projectContainers.js"
import type { EngineProject } from "../door/composeDoor.js"

/**
 * Removes the containers that were created but not started when the variable of a secret or a config was missing. Older
 * versions of compose would start them the next time without the secret, and say nothing.
 */
export const halfMade = ({ docker, name }: EngineProject, error: ComposeError): Effect.Effect<void> => {
  const isHalfMade =
    error._tag === "ComposeFailed" &&
    error.reason === "VariableMissing" &&
    /required by (?:file|secret|config)/.test(error.detail)
  if (!isHalfMade) return Effect.void
  return listProjectContainers(docker, name).pipe(
    Effect.flatMap((containers) =>
      Effect.forEach(
        containers.filter(({ container }) => container.state === "created"),
        ({ container: { id } }) => docker.json({ method: "DELETE", path: `/containers/${id}` })
      )
    ),
    Effect.ignore
  )
}
