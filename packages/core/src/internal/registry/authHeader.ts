import * as Redacted from "effect/Redacted"
import type { FoundCredentials, RegistryCredentials } from "../../RegistryAuth.js"
import { registryKey } from "./registryKey.js"

/** Credentials as the Engine API spells them. Fields that are empty are left out, as the docker command does. */
const authConfig = (credentials: RegistryCredentials, registry: string): Readonly<Record<string, string>> => {
  const secret = (redacted: Redacted.Redacted | undefined) =>
    redacted === undefined ? undefined : Redacted.value(redacted)
  const fields = {
    username: credentials.username,
    password: secret(credentials.password),
    serveraddress: registryKey(registry),
    identitytoken: secret(credentials.identityToken),
    registrytoken: secret(credentials.registryToken)
  }
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined || value === "" ? [] : [[name, value]]))
  )
}

/** base64url with its padding, without which some engines do not decode it. */
const encode = (value: object): Redacted.Redacted => {
  const text = Buffer.from(JSON.stringify(value)).toString("base64url")
  return Redacted.make(text.padEnd(Math.ceil(text.length / 4) * 4, "="))
}

/** The body of `POST /auth`, with which the engine checks credentials. */
export const authBody = (credentials: RegistryCredentials, registry: string): Readonly<Record<string, string>> =>
  authConfig(credentials, registry)

/**
 * The value of `X-Registry-Auth`, with which the engine gets an image from a registry or sends one to it. Without
 * credentials, the engine makes its requests anonymously.
 */
export const registryAuthHeader = (
  credentials: FoundCredentials | undefined,
  registry: string
): Redacted.Redacted<string> => encode(credentials === undefined ? {} : authConfig(credentials, registry))

/**
 * The value of `X-Registry-Config`, with which the classic builder and Podman pull the base images of a build. The builder
 * gets the credentials of these registries and of no other. Those without credentials are left out.
 */
export const registryConfigHeader = (
  entries: Iterable<readonly [registry: string, credentials: FoundCredentials | undefined]>
): Redacted.Redacted<string> =>
  encode(
    Object.fromEntries(
      Array.from(entries).flatMap(([registry, credentials]) =>
        credentials === undefined ? [] : [[registryKey(registry), authConfig(credentials, registry)]]
      )
    )
  )
