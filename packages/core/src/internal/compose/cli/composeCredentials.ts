import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { readdir, symlink, writeFile } from "node:fs/promises"
import { homedir } from "node:os"
import { join } from "node:path"
import type { RegistryAuthShape, RegistryCredentials } from "../../../RegistryAuth.js"
import { configPath, readConfigFile } from "../../connection/configFile.js"
import { goField, isJsonObject } from "../../connection/goJson.js"
import { registryKey } from "../../registry/registryKey.js"
import { privateFolder, writePrivately } from "./privateFolder.js"

type Environment = Readonly<Record<string, string>>
type Entry = Readonly<Record<string, string>>

const secret = (value: Redacted.Redacted | undefined): string => (value === undefined ? "" : Redacted.value(value))

const entryOf = ({ identityToken, password, registryToken, username }: RegistryCredentials): Entry => ({
  ...(username === undefined ? {} : { auth: Buffer.from(`${username}:${secret(password)}`).toString("base64") }),
  ...(identityToken === undefined ? {} : { identitytoken: secret(identityToken) }),
  ...(registryToken === undefined ? {} : { registrytoken: secret(registryToken) })
})

const objectOf = (config: object, name: string): object => {
  const value = goField(config, name)
  return isJsonObject(value) ? value : {}
}

/** The entries of `DOCKER_AUTH_CONFIG`. One that is not valid is ignored, as by the docker command. */
const variableEntries = (text: string | undefined): object => {
  try {
    const config: unknown = JSON.parse(text ?? "")
    return isJsonObject(config) ? objectOf(config, "auths") : {}
  } catch {
    return {}
  }
}

/** The configuration of the user, with these entries and no helpers for their registries. */
const mergedConfig = (
  config: object,
  entries: Readonly<Record<string, unknown>>,
  others: "anonymous" | "configured"
): object => {
  const isCredential = (name: string) => /^(?:auths|credHelpers|credsStore)$/i.test(name)
  const rest = Object.fromEntries(Object.entries(config).filter(([name]) => !isCredential(name)))
  if (others === "anonymous") return { ...rest, auths: entries }
  const store = goField(config, "credsStore")
  const noHelper = Object.fromEntries(Object.keys(entries).map((key) => [key, ""]))
  return {
    ...rest,
    ...(typeof store === "string" ? { credsStore: store } : {}),
    credHelpers: { ...objectOf(config, "credHelpers"), ...noHelper },
    auths: { ...objectOf(config, "auths"), ...entries }
  }
}

const hasCredentials = (config: object): boolean =>
  ["auths", "credHelpers", "credsStore"].some((name) => goField(config, name) !== undefined)

/** A folder with this configuration beside everything else that the user's has, such as plugins. */
const configFolderWith = (folder: string, config: object): Effect.Effect<string, string, Scope.Scope> =>
  Effect.tap(privateFolder, (own) =>
    writePrivately(async () => {
      const names = await readdir(folder).catch(() => [])
      for (const name of names) if (name !== "config.json") await symlink(join(folder, name), join(own, name))
      await writeFile(configPath(own), JSON.stringify(config), { mode: 0o600 })
    })
  )

/**
 * The variables with which compose sends the credentials that `RegistryAuth` was given. It finds by itself those that are
 * configured. None is an argument, which everyone on the machine can read. Fails with a text if they cannot be written for it.
 */
export const composeCredentials = (
  { given }: RegistryAuthShape,
  options: {
    readonly base: Environment
    /** The value of `DOCKER_AUTH_CONFIG`. */
    readonly authVariable: string | undefined
    /** Whether compose reads that variable. */
    readonly readsVariable: boolean
  }
): Effect.Effect<Environment, string, Scope.Scope> =>
  Effect.gen(function* () {
    if (given === undefined) return {}
    const { credentials, others } = given
    const own = [...credentials].map(([registry, found]) => [registryKey(registry), entryOf(found)] as const)
    const configured = others === "configured" ? variableEntries(options.authVariable) : {}
    const entries = { ...configured, ...Object.fromEntries(own) }
    const folder = options.base["DOCKER_CONFIG"] ?? join(options.base["HOME"] ?? homedir(), ".docker")
    const config = (yield* Effect.orElseSucceed(readConfigFile(configPath(folder)), () => undefined)) ?? {}
    const mustHide = others === "anonymous" && hasCredentials(config)
    if (Object.keys(entries).length === 0 && !mustHide) return {}
    // The variable holds nothing but user names and passwords, and cannot say that a registry is to be used without any.
    const fitsVariable = own.every(([, entry]) => Object.keys(entry).join() === "auth")
    if (options.readsVariable && fitsVariable && !mustHide) {
      return { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: entries }) }
    }
    return { DOCKER_CONFIG: yield* configFolderWith(folder, mergedConfig(config, entries, others)) }
  })
