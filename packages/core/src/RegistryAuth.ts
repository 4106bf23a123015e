/**
 * Credentials for image registries.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type { RegistryError } from "./DockerError.js"

/**
 * Credentials for a registry: a user name with a password, or a token.
 *
 * @since 0.1.0
 * @category models
 */
export interface RegistryCredentials {
  readonly username?: string
  readonly password?: Redacted.Redacted
  /** A refresh token, with which the engine requests access tokens. */
  readonly identityToken?: Redacted.Redacted
  /** An access token, sent to the registry as it is. */
  readonly registryToken?: Redacted.Redacted
}

/**
 * Credentials, and where they were found.
 *
 * @since 0.1.0
 * @category models
 */
export interface FoundCredentials extends RegistryCredentials {
  /** What to name in a message, such as the path of a configuration file. */
  readonly source: string
}

/**
 * The service `RegistryAuth`.
 *
 * @since 0.1.0
 * @category services
 */
export interface RegistryAuthShape {
  /**
   * Finds the credentials for a registry, given as host and port; `docker.io` is Docker Hub. Returns `undefined` if there are
   * none. Fails with a `RegistryError` of reason `CredentialsUnavailable` if they cannot be read.
   */
  readonly find: (registry: string) => Effect.Effect<FoundCredentials | undefined, RegistryError>
}

/**
 * Finds the credentials that the engine sends to a registry. They are used for that registry and for no other.
 *
 * @example
 * ```ts
 * import { RegistryAuth } from "@dockwire/core"
 * import { Effect, Redacted } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const found = yield* (yield* RegistryAuth).find("localhost:5000")
 *   return found?.username
 * })
 *
 * const live = RegistryAuth.layer({ "localhost:5000": { username: "ann", password: Redacted.make("secret") } })
 * console.log(await Effect.runPromise(program.pipe(Effect.provide(live))))
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class RegistryAuth extends Context.Tag("@dockwire/core/RegistryAuth")<RegistryAuth, RegistryAuthShape>() {
  /**
   * Given credentials, by registry: host and port as in an image reference, or `docker.io`. Without any, every request is
   * anonymous.
   *
   * @since 0.1.0
   * @category layers
   */
  static readonly layer = (
    credentials: Readonly<Record<string, RegistryCredentials>> = {}
  ): Layer.Layer<RegistryAuth> => {
    const byRegistry = new Map(Object.entries(credentials))
    return Layer.succeed(RegistryAuth, {
      find: (registry) => {
        const found = byRegistry.get(registry)
        return Effect.succeed(found === undefined ? undefined : { ...found, source: "RegistryAuth.layer" })
      }
    })
  }
}
