import * as Effect from "effect/Effect"
import type { DockerShape } from "../../Docker.js"
import { type DockerFailure, type EngineError, InvalidRequest, RegistryError } from "../../DockerError.js"
import type { FoundCredentials } from "../../RegistryAuth.js"
import { mapEngineError } from "../api/errors/errorRules.js"
import { authBody } from "./authHeader.js"
import { registryMeaning } from "./registryFailure.js"
import { canonicalRegistry } from "./registryKey.js"

const loginFailure = (
  registry: string,
  credentials: FoundCredentials | undefined,
  { detail, status }: EngineError
): RegistryError | InvalidRequest | undefined => {
  if (status === 400 || /: parse "/.test(detail))
    return new InvalidRequest({ field: "registry", value: registry, detail })
  const meaning = registryMeaning(detail, status)
  return meaning === undefined || meaning === "NoImageHere"
    ? undefined
    : new RegistryError({
        registry: canonicalRegistry(registry),
        // Every registry has what a login asks for.
        reason: meaning === "NotFound" ? "Broken" : meaning,
        credentials: credentials?.source ?? "none",
        detail
      })
}

/** Lets the engine log in to a registry with these credentials, which are not stored. */
export const checkLogin = (
  docker: DockerShape,
  registry: string,
  credentials: FoundCredentials | undefined
): Effect.Effect<void, RegistryError | InvalidRequest | DockerFailure> => {
  if (credentials?.registryToken !== undefined) {
    const detail = `the engine cannot check the access token from ${credentials.source}. Pull an image to check it`
    return Effect.fail(new InvalidRequest({ field: "registry", value: registry, detail }))
  }
  return docker.json({ method: "POST", path: "/auth", body: authBody(credentials ?? {}, registry) }).pipe(
    mapEngineError((error) => loginFailure(registry, credentials, error)),
    // The response may contain a token.
    Effect.asVoid
  )
}
