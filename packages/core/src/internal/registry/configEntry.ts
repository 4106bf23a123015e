import * as Redacted from "effect/Redacted"
import type { RegistryCredentials } from "../../RegistryAuth.js"
import { goField, isJsonObject, parseFirstJson } from "../connection/goJson.js"

// What these functions throw says what is wrong, and quotes nothing but names: values may be secret.

/** A field that is a string, or absent. */
const textField = (object: object, name: string): string => {
  const value = goField(object, name)
  if (value === undefined) return ""
  if (typeof value !== "string") throw new TypeError(`"${name}" is not a string`)
  return value
}

/** A field that is an object, or absent. */
const objectField = (object: object, name: string): object => {
  const value = goField(object, name)
  if (value === undefined) return {}
  if (!isJsonObject(value)) throw new TypeError(`"${name}" is not an object`)
  return value
}

/** A property of this very name. */
const ownProperty = (object: object, name: string): unknown =>
  Object.hasOwn(object, name) ? Reflect.get(object, name) : undefined

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** The user name and the password in a field `auth`. */
const decodeAuth = (auth: string): { readonly username: string; readonly password: string } => {
  const text = auth.replace(/[\r\n]/g, "")
  if (!base64.test(text)) throw new TypeError('"auth" is not base64')
  const decoded = Buffer.from(text, "base64").toString()
  const colon = decoded.indexOf(":")
  if (colon < 1) throw new TypeError('"auth" is not the base64 of "USER:PASSWORD"')
  // Old versions of the docker command padded with zero bytes.
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1).replace(/^\0+|\0+$/g, "") }
}

/** Credentials without the fields that are empty, or `undefined` if all are. */
const credentialsOf = (fields: {
  readonly username?: string
  readonly password?: string
  readonly identityToken?: string
  readonly registryToken?: string
}): RegistryCredentials | undefined => {
  const { identityToken = "", password = "", registryToken = "", username = "" } = fields
  const found: RegistryCredentials = {
    ...(username === "" ? {} : { username }),
    ...(password === "" ? {} : { password: Redacted.make(password) }),
    ...(identityToken === "" ? {} : { identityToken: Redacted.make(identityToken) }),
    ...(registryToken === "" ? {} : { registryToken: Redacted.make(registryToken) })
  }
  return Object.keys(found).length === 0 ? undefined : found
}

/** Host and port of a URL, or what is before the first slash. */
const hostOf = (key: string): string => {
  // The form of a URL that Go splits in the same way. Unlike `URL`, it changes nothing: a port and capitals count.
  const [, bracketed, host, port] =
    /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*@)?(?:\[([^\]/?#]+)\]|([^:/?#[\]]+))(?::(\d*))?(?:[/?#]|$)/i.exec(key) ?? []
  const name = bracketed ?? host
  if (name === undefined) return key.split("/", 1)[0] ?? ""
  if (port === undefined || port === "") return name
  return bracketed === undefined ? `${name}:${port}` : `[${name}]:${port}`
}

/** The entry of `auths` for a registry: that of its name, or the first whose URL has its host and port. */
const entryFor = (auths: object, registry: string): unknown =>
  Object.hasOwn(auths, registry)
    ? ownProperty(auths, registry)
    : Object.entries(auths).find(([key]) => hostOf(key) === registry)?.[1]

const decodeEntry = (entry: unknown): RegistryCredentials | undefined => {
  if (entry === undefined || entry === null) return undefined
  if (!isJsonObject(entry)) throw new TypeError('its entry in "auths" is not an object')
  const auth = textField(entry, "auth")
  return credentialsOf({
    ...(auth === ""
      ? { username: textField(entry, "username"), password: textField(entry, "password") }
      : decodeAuth(auth)),
    identityToken: textField(entry, "identitytoken"),
    registryToken: textField(entry, "registrytoken")
  })
}

/** What the configuration has for a registry: a helper to ask, or credentials. */
export type ConfigEntry =
  | { readonly _tag: "Helper"; readonly helper: string; readonly field: "credHelpers" | "credsStore" }
  | { readonly _tag: "Credentials"; readonly credentials: RegistryCredentials | undefined }

/**
 * Finds what the configuration of the docker command has for a registry, by its name there. Entries of other registries are
 * not decoded. Throws `TypeError`.
 */
export const configEntry = (config: object, registry: string): ConfigEntry => {
  const helpers = objectField(config, "credHelpers")
  const auths = objectField(config, "auths")
  const store = textField(config, "credsStore")
  if (Object.hasOwn(helpers, registry)) {
    const helper = ownProperty(helpers, registry) ?? ""
    if (typeof helper !== "string") throw new TypeError(`"credHelpers" has no string for "${registry}"`)
    if (helper !== "") return { _tag: "Helper", helper, field: "credHelpers" }
  } else if (store !== "") return { _tag: "Helper", helper: store, field: "credsStore" }
  return { _tag: "Credentials", credentials: decodeEntry(entryFor(auths, registry)) }
}

/** A field of an object that has no other. */
const onlyField = (object: object, name: string): unknown => {
  if (Object.keys(object).some((key) => key.toLowerCase() !== name)) {
    throw new TypeError(`it has fields besides "${name}"`)
  }
  return goField(object, name)
}

/**
 * Finds the credentials for a registry in the value of `DOCKER_AUTH_CONFIG`, by its name there and no other. As for the docker
 * command, an entry has `auth` and nothing else, and any fault rules out all of it. Throws `TypeError` or `SyntaxError`.
 */
export const variableEntry = (text: string, registry: string): RegistryCredentials | undefined => {
  let config: unknown
  try {
    config = JSON.parse(text)
  } catch {
    throw new SyntaxError("it is not valid JSON")
  }
  if (config === null) return undefined
  if (!isJsonObject(config)) throw new TypeError("it is not a JSON object")
  const auths = onlyField(config, "auths") ?? {}
  if (!isJsonObject(auths)) throw new TypeError('"auths" is not an object')
  const decoded = Object.entries(auths).map(([key, entry]) => {
    const auth: unknown = isJsonObject(entry) ? onlyField(entry, "auth") : undefined
    if (typeof auth !== "string" || auth === "") throw new TypeError('it has an entry without "auth"')
    return [key, decodeAuth(auth)] as const
  })
  const found = decoded.find(([key]) => key === registry)?.[1]
  return found === undefined ? undefined : credentialsOf(found)
}

/** Decodes what a credential helper printed. `undefined` if it has no credentials. Throws `TypeError` or `SyntaxError`. */
export const helperAnswer = (text: string): RegistryCredentials | undefined => {
  const answer = parseFirstJson(text)
  if (answer === null) return undefined
  if (!isJsonObject(answer)) throw new TypeError("it is not a JSON object")
  const username = textField(answer, "Username")
  const password = textField(answer, "Secret")
  return credentialsOf(username === "<token>" ? { identityToken: password } : { username, password })
}
