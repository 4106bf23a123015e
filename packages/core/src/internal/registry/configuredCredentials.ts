import type * as ConfigProvider from "effect/ConfigProvider"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as RcMap from "effect/RcMap"
import type * as Scope from "effect/Scope"
import { RegistryError } from "../../DockerError.js"
import type { FoundCredentials, RegistryCredentials } from "../../RegistryAuth.js"
import { configFolder, configPath, readConfigFile, variable } from "../connection/configFile.js"
import { configEntry, variableEntry } from "./configEntry.js"
import { askHelper, helperProgram } from "./credentialHelper.js"
import { canonicalRegistry, registryKey } from "./registryKey.js"

const authVariable = "DOCKER_AUTH_CONFIG"

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The credentials in `DOCKER_AUTH_CONFIG`. As for the docker command, a value that is not valid is ignored, with a warning. */
const fromVariable = (text: string | undefined, key: string): Effect.Effect<RegistryCredentials | undefined> =>
  text === undefined
    ? Effect.succeed(undefined)
    : Effect.try({ try: () => variableEntry(text, key), catch: reasonOf }).pipe(
        Effect.catchAll((reason) =>
          Effect.as(
            Effect.logWarning(`${authVariable} is ignored, as it is not valid: ${reason}. Fix or unset it.`),
            undefined
          )
        )
      )

/**
 * Creates a function that finds credentials as the docker command does. The environment and the configuration are read by each
 * call. Calls that need the same helper for the same registry at the same time share one run of it.
 */
export const makeConfiguredCredentials = (
  environment: ConfigProvider.ConfigProvider,
  helperTimeout: Duration.Duration
): Effect.Effect<
  (registry: string) => Effect.Effect<FoundCredentials | undefined, RegistryError>,
  never,
  Scope.Scope
> =>
  Effect.map(
    RcMap.make({
      lookup: ({ key, program }: { readonly key: string; readonly program: string }) =>
        askHelper(program, key, helperTimeout)
    }),
    (helpers) => (registry: string) =>
      Effect.gen(function* () {
        const key = registryKey(registry)
        const unavailable = (credentials: string) => (detail: string) =>
          new RegistryError({
            registry: canonicalRegistry(registry),
            reason: "CredentialsUnavailable",
            credentials,
            detail
          })
        const found = (credentials: RegistryCredentials | undefined, source: string) =>
          credentials === undefined ? undefined : { ...credentials, source }
        const variables = yield* Effect.mapError(
          Effect.all([environment.load(variable(authVariable)), environment.load(configFolder)]),
          () => unavailable("the environment")("DOCKER_CONFIG or DOCKER_AUTH_CONFIG cannot be read")
        )
        const [authText, folder] = variables
        const fromEnvironment = yield* fromVariable(authText, key)
        if (fromEnvironment !== undefined) return found(fromEnvironment, authVariable)

        const path = configPath(folder)
        const config = yield* Effect.mapError(readConfigFile(path), unavailable(path))
        if (config === undefined) return undefined
        const entry = yield* Effect.try({ try: () => configEntry(config, key), catch: reasonOf }).pipe(
          Effect.mapError(unavailable(path))
        )
        if (entry._tag === "Credentials") return found(entry.credentials, path)
        const program = helperProgram(entry.helper)
        if (program === undefined) {
          return yield* unavailable(path)(
            `the name of the helper in "${entry.field}", ${JSON.stringify(entry.helper)}, is not valid`
          )
        }
        const source = `${program} (${entry.field} in ${path})`
        const credentials = yield* Effect.scoped(RcMap.get(helpers, Data.struct({ key, program }))).pipe(
          Effect.mapError(unavailable(source))
        )
        return found(credentials, source)
      })
  )
