import { rm } from "node:fs/promises"
import type { ConfigurationFolder } from "./recordingEngine.js"

/** The registry of most rows. */
export const registry = "r.test:5000"

/** The image of most rows. */
export const image = `${registry}/team/app:1`

/** The key of Docker Hub. */
export const hub = "https://index.docker.io/v1/"

export const base64 = (text: string) => Buffer.from(text).toString("base64")

/** An entry in `auths`. */
export const entry = (text = "u:p") => ({ auth: base64(text) })

/** A configuration with one entry. */
export const keyed = (key: string) => ({ auths: { [key]: entry() } })

/** What its entry means. */
export const user = { username: "u", password: "p" }

const notFound = "echo 'credentials not found in native keychain'; exit 1"

/** A configuration, and what the docker command sends with it. */
export interface CredentialRow {
  readonly config?: unknown
  readonly image?: string
  readonly helpers?: Readonly<Record<string, string>>
  /** What is sent, but for the address of the server. */
  readonly sent: Readonly<Record<string, string>>
  readonly calls?: ReadonlyArray<string>
}

/** Empties a configuration: there are only the helpers `a` and `b`, with credentials of their own. */
export const resetFolder = async (folder: ConfigurationFolder): Promise<void> => {
  await folder.takeCalls()
  await rm(folder.file, { recursive: true, force: true })
  for (const name of ["a", "b"])
    await folder.helper(name, `printf '%s' '{"ServerURL":"elsewhere.test","Username":"of-${name}","Secret":"s3cret"}'`)
}

/** Writes what a row configures. */
export const writeRow = async (folder: ConfigurationFolder, { config, helpers = {} }: CredentialRow): Promise<void> => {
  if (config !== undefined) await folder.write(config)
  for (const [name, script] of Object.entries(helpers)) await folder.helper(name, script)
}

/** Configurations for which the docker command sends what it is meant to. */
export const credentialRows: Readonly<Record<string, CredentialRow>> = {
  "no file": { sent: {} },
  "an empty file": { config: " \n", sent: {} },
  "a file with null": { config: "null", sent: {} },
  "a file with more than one value": { config: `${JSON.stringify(keyed(registry))} rubbish`, sent: user },
  "fields in other cases": { config: { AUTHS: { [registry]: { Auth: base64("u:p") } } }, sent: user },
  "a key that is the registry": { config: keyed(registry), sent: user },
  "a key with https": { config: keyed(`https://${registry}`), sent: user },
  "a key with http and a path": { config: keyed(`http://${registry}/v1/`), sent: user },
  "a key with a path": { config: keyed(`${registry}/v2/`), sent: user },
  "a key with a repository": { config: keyed(`${registry}/team`), sent: user },
  "a key with a user": { config: keyed(`HTTPS://someone@${registry}/v2?x`), sent: user },
  "a key with a scheme alone": { config: keyed("https://"), sent: {} },
  "an exact key after another that matches": {
    config: { auths: { [`https://${registry}`]: entry("x:y"), [registry]: entry() } },
    sent: user
  },
  "an exact key that is null": { config: { auths: { [`https://${registry}`]: entry(), [registry]: null } }, sent: {} },
  "a key without the port": { config: keyed("r.test"), sent: {} },
  "a key with another port": { config: keyed("https://r.test:5001"), sent: {} },
  "a key with the port that is the default one": { config: keyed("https://r.test:443"), image: "r.test/a", sent: {} },
  "a key in capitals": { config: keyed("https://R.test:5000"), sent: {} },
  "a key that is the end of the registry": { config: keyed("test:5000"), sent: {} },
  "a key that is the start of the registry": { config: keyed("r.test:500"), sent: {} },
  "an IPv6 address": { config: keyed("https://[::1]:5000/v2/"), image: "[::1]:5000/a", sent: user },
  "an IPv6 address without a port": { config: keyed("https://[::1]/v2/"), image: "[::1]/a", sent: {} },
  "Docker Hub by its odd key": { config: keyed(hub), image: "busybox", sent: user },
  "Docker Hub for a reference that names it": { config: keyed(hub), image: "docker.io/a/b", sent: user },
  "Docker Hub for a reference that names its index": { config: keyed(hub), image: "index.docker.io/a/b", sent: user },
  "Docker Hub's odd key without its last slash": { config: keyed(hub.slice(0, -1)), image: "busybox", sent: {} },
  "Docker Hub as docker.io": { config: keyed("docker.io"), image: "busybox", sent: {} },
  "Docker Hub as index.docker.io": { config: keyed("index.docker.io"), image: "busybox", sent: {} },
  "Docker Hub as registry-1.docker.io": { config: keyed("registry-1.docker.io"), image: "busybox", sent: {} },
  "Docker Hub's odd key, for its other host": { config: keyed(hub), image: "registry-1.docker.io/a", sent: {} },
  "a password with colons": {
    config: { auths: { [registry]: entry("u:p:with:colons") } },
    sent: { username: "u", password: "p:with:colons" }
  },
  "a password that is not ASCII": {
    config: { auths: { [registry]: entry("ü:пароль<>&\u2028") } },
    sent: { username: "ü", password: "пароль<>&\u2028" }
  },
  "a password padded with zero bytes": { config: { auths: { [registry]: entry("u:p\0\0") } }, sent: user },
  "an empty password": { config: { auths: { [registry]: entry("u:") } }, sent: { username: "u" } },
  "base64 in several lines": { config: { auths: { [registry]: { auth: "dTp\r\nw\n" } } }, sent: user },
  "user name and password as fields": { config: { auths: { [registry]: user } }, sent: user },
  "auth and fields": {
    config: { auths: { [registry]: { username: "x", password: "y", ...entry() } } },
    sent: user
  },
  "an identity token": {
    config: { auths: { [registry]: { ...entry("u:"), identitytoken: "refresh" } } },
    sent: { username: "u", identitytoken: "refresh" }
  },
  "a registry token": {
    config: { auths: { [registry]: { registrytoken: "access" } } },
    sent: { registrytoken: "access" }
  },
  "an empty entry": { config: { auths: { [registry]: {} } }, sent: {} },
  "a store": {
    config: { credsStore: "a" },
    sent: { username: "of-a", password: "s3cret" },
    calls: [`a get ${registry}`]
  },
  "a store, for Docker Hub": {
    config: { credsStore: "a" },
    image: "busybox",
    sent: { username: "of-a", password: "s3cret" },
    calls: [`a get ${hub}`]
  },
  "a store whose credentials are a token": {
    config: { credsStore: "a" },
    helpers: { a: `echo '{"Username":"<token>","Secret":"refresh"}'` },
    sent: { identitytoken: "refresh" },
    calls: [`a get ${registry}`]
  },
  "a store that has nothing, though the file has": {
    config: { ...keyed(registry), credsStore: "a" },
    helpers: { a: notFound },
    sent: {},
    calls: [`a get ${registry}`]
  },
  "a store that answers with an empty object": {
    config: { credsStore: "a" },
    helpers: { a: "echo '{}'" },
    sent: {},
    calls: [`a get ${registry}`]
  },
  "a store that answers in another case, and prints more": {
    config: { credsstore: "a" },
    helpers: { a: `echo '{"username":"u","SECRET":"p"} more'` },
    sent: user,
    calls: [`a get ${registry}`]
  },
  "a helper for the registry, and a store": {
    config: { credHelpers: { [registry]: "b" }, credsStore: "a" },
    sent: { username: "of-b", password: "s3cret" },
    calls: [`b get ${registry}`]
  },
  "a helper for another registry, and a store": {
    config: { credHelpers: { "r.test": "b" }, credsStore: "a" },
    sent: { username: "of-a", password: "s3cret" },
    calls: [`a get ${registry}`]
  },
  "a helper for another registry alone": { config: { ...keyed(registry), credHelpers: { "r.test": "b" } }, sent: user },
  "an empty helper for the registry, and a store": {
    config: { ...keyed(registry), credHelpers: { [registry]: "" }, credsStore: "a" },
    sent: user
  },
  "a helper that is null, and a store": {
    config: { ...keyed(registry), credHelpers: { [registry]: null }, credsStore: "a" },
    sent: user
  },
  "a helper for a URL": { config: { credHelpers: { [`https://${registry}`]: "b" } }, sent: {} },
  "a helper for docker.io": { config: { credHelpers: { "docker.io": "b" } }, image: "busybox", sent: {} },
  "a helper for Docker Hub's odd key": {
    config: { credHelpers: { [hub]: "b" } },
    image: "busybox",
    sent: { username: "of-b", password: "s3cret" },
    calls: [`b get ${hub}`]
  },
  "a registry named as a property of every object": { config: keyed(registry), image: "constructor:1/a", sent: {} }
}

/** What a header with credentials says, but for the address of the server. */
export const sentCredentials = (header: string): Readonly<Record<string, unknown>> => {
  const { email: _email, serveraddress: _address, ...sent } = JSON.parse(Buffer.from(header, "base64url").toString())
  return sent
}
