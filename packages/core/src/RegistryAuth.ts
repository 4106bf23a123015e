/**
 * Credentials for image registries.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { Docker } from "./Docker.js"
import type { EngineError, EngineUnavailable, InvalidRequest, RegistryError } from "./DockerError.js"
import { traced } from "./internal/api/traced.js"
import { makeConfiguredCredentials } from "./internal/registry/configuredCredentials.js"
import { canonicalRegistry } from "./internal/registry/registryKey.js"
import { checkLogin } from "./internal/registry/registryLogin.js"

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
  /**
   * What programs have to be told that find configured credentials by themselves, such as compose. Without it they are told
   * nothing.
   */
  readonly given?: GivenCredentials
}

/**
 * The credentials that a program was given, as opposed to those that are configured on its machine.
 *
 * @since 0.1.0
 * @category models
 */
export interface GivenCredentials {
  /** By registry: host and port, or `docker.io`. Those without any field make the requests to their registry anonymous. */
  readonly credentials: ReadonlyMap<string, RegistryCredentials>
  /** For other registries: those that are configured, or none. */
  readonly others: "anonymous" | "configured"
}

/**
 * Options of `RegistryAuth.layerConfigWith`.
 *
 * @since 0.1.0
 * @category models
 */
export interface RegistryAuthOptions {
  /** Credentials that take precedence over those that are configured, by registry, as for `RegistryAuth.layer`. */
  readonly credentials?: Readonly<Record<string, RegistryCredentials>>
  /** How long a credential helper may take before it is stopped. Default 30 seconds. */
  readonly helperTimeout?: Duration.DurationInput
}

/** Whether there is anything to send. */
const isEmpty = ({ identityToken, password, registryToken, username }: RegistryCredentials): boolean =>
  [identityToken, password, registryToken, username].every((value) => value === undefined)

/** Finds given credentials, and what `otherwise` finds for registries that are not among them. */
const findGiven = (
  credentials: Readonly<Record<string, RegistryCredentials>>,
  source: string,
  others: GivenCredentials["others"],
  otherwise: RegistryAuthShape["find"]
): RegistryAuthShape => {
  const byRegistry = new Map(Object.entries(credentials).map(([key, given]) => [canonicalRegistry(key), given]))
  return {
    given: { credentials: byRegistry, others },
    find: traced("RegistryAuth.find")((registry) => {
      const given = byRegistry.get(canonicalRegistry(registry))
      if (given === undefined) return otherwise(registry)
      return Effect.succeed(isEmpty(given) ? undefined : { ...given, source })
    })
  }
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
  ): Layer.Layer<RegistryAuth> =>
    Layer.succeed(
      RegistryAuth,
      findGiven(credentials, "RegistryAuth.layer", "anonymous", () => Effect.succeed(undefined))
    )

  /**
   * Given credentials, and for other registries those that the docker CLI would send, as `RegistryAuth.layerConfig` finds
   * them. Given credentials without any field make the requests to their registry anonymous, whatever is configured.
   *
   * @since 0.1.0
   * @category layers
   */
  static readonly layerConfigWith = ({
    credentials = {},
    helperTimeout = "30 seconds"
  }: RegistryAuthOptions): Layer.Layer<RegistryAuth> =>
    Layer.scoped(
      RegistryAuth,
      Effect.gen(function* () {
        const environment = yield* Effect.configProviderWith(Effect.succeed)
        const findConfigured = yield* makeConfiguredCredentials(environment, Duration.decode(helperTimeout))
        return findGiven(credentials, "RegistryAuth.layerConfigWith", "configured", findConfigured)
      })
    )

  /**
   * The credentials that the docker CLI would send: those in `DOCKER_AUTH_CONFIG`, else in `config.json` in `DOCKER_CONFIG`
   * or `~/.docker`. There, a credential helper in `credHelpers` comes before the one in `credsStore`, and with neither, the
   * credentials are in `auths`. All are read anew by each `find`, so that a later login is noticed. Concurrent calls that
   * need the same helper for the same registry share one run of it.
   *
   * What is configured but cannot be read is a `RegistryError` of reason `CredentialsUnavailable`, where the CLI would
   * continue without credentials: a broken file, or a helper that is missing, fails, takes longer than 30 seconds or prints
   * something else. As for the CLI, a broken `DOCKER_AUTH_CONFIG` is a warning.
   *
   * @since 0.1.0
   * @category layers
   */
  static readonly layerConfig: Layer.Layer<RegistryAuth> = RegistryAuth.layerConfigWith({})

  /**
   * Checks the credentials for a registry, or, if there are none, that it can be used without: the engine logs in to it, and
   * stores nothing. Fails with a `RegistryError` if the engine cannot, and with an `InvalidRequest` for what is not a
   * registry, and for an access token (`registryToken`), which the engine cannot check (`POST /auth`).
   *
   * @since 0.1.0
   * @category constructors
   */
  static readonly login = traced("RegistryAuth.login")(
    (
      registry: string
    ): Effect.Effect<void, RegistryError | InvalidRequest | EngineUnavailable | EngineError, RegistryAuth | Docker> =>
      Effect.gen(function* () {
        const docker = yield* Docker
        const credentials = yield* (yield* RegistryAuth).find(registry)
        yield* checkLogin(docker, registry, credentials)
      })
  )
}
