import { type FoundCredentials, RegistryAuth, type RegistryAuthOptions } from "@dockwire/core"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

/** `RegistryAuth` as it is configured in an environment. */
export const configuredAuth = (
  environment: Readonly<Record<string, string>>,
  options?: RegistryAuthOptions
): Layer.Layer<RegistryAuth> =>
  (options === undefined ? RegistryAuth.layerConfig : RegistryAuth.layerConfigWith(options)).pipe(
    Layer.provide(Layer.setConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(environment)))))
  )

/** The credentials for a registry. */
export const find = (registry: string) => Effect.flatMap(RegistryAuth, (auth) => auth.find(registry))

/** Credentials whose secrets are readable. */
export const revealed = (found: FoundCredentials | undefined) => {
  if (found === undefined) return undefined
  const { source: _source, username, ...secrets } = found
  return {
    ...(username === undefined ? {} : { username }),
    ...Object.fromEntries(Object.entries(secrets).map(([name, secret]) => [name, Redacted.value(secret)]))
  }
}
