import * as Effect from "effect/Effect"
import type { DockerShape } from "../../Docker.js"
import {
  type DockerFailure,
  type EngineError,
  InvalidRequest,
  RegistryError,
  type RegistryFailure
} from "../../DockerError.js"
import type { FoundCredentials } from "../../RegistryAuth.js"
import { mapEngineError } from "../api/errors/errorRules.js"
import { authBody } from "./authHeader.js"
import { canonicalRegistry } from "./registryKey.js"

/** What the messages of `POST /auth` say, by the reason. The first that matches counts. Host names are not matched. */
const reasons: ReadonlyArray<readonly [RegExp, RegistryFailure]> = [
  [
    /: dial tcp|: proxyconnect|: x509: |: tls: |server gave HTTP response|Client\.Timeout|deadline exceeded/,
    "Unreachable"
  ],
  [/\b401 Unauthorized|no basic auth credentials|: unauthorized\b/, "Unauthorized"],
  [/\b403 \(?Forbidden|: denied\b/, "Denied"],
  [/\bHTTP 429\b|\b429 Too Many Requests|: too ?many ?requests/i, "RateLimited"],
  [
    /failed with status: \d|unexpected HTTP status|invalid status code|error parsing HTTP|did not include a token|: EOF$|connection reset/,
    "Broken"
  ]
]

const loginFailure = (
  registry: string,
  credentials: FoundCredentials | undefined,
  { detail, status }: EngineError
): RegistryError | InvalidRequest | undefined => {
  if (status === 400 || /: parse "/.test(detail))
    return new InvalidRequest({ field: "registry", value: registry, detail })
  const reason = status === 401 ? "Unauthorized" : reasons.find(([pattern]) => pattern.test(detail))?.[1]
  return reason === undefined
    ? undefined
    : new RegistryError({
        registry: canonicalRegistry(registry),
        reason,
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
