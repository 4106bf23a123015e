import { RegistryAuth, RegistryError } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import { mkdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest"
import { registryAuthHeader } from "../../../packages/core/src/internal/registry/authHeader.js"
import { parseImageReference } from "../../../packages/core/src/internal/registry/imageReference.js"
import { itDockerCli } from "../../engine/itDockerCli.js"
import { failureWith, runWith } from "../runWith.js"
import {
  base64,
  type CredentialRow,
  credentialRows,
  entry,
  hub,
  image,
  keyed,
  registry,
  resetFolder,
  sentCredentials,
  user,
  writeRow
} from "./credentialRows.js"
import { configuredAuth, find, revealed } from "./findCredentials.js"
import {
  type ConfigurationFolder,
  makeConfigurationFolder,
  type RecordingEngine,
  startRecordingEngine
} from "./recordingEngine.js"

let folder: ConfigurationFolder
let engine: RecordingEngine
beforeAll(async () => {
  folder = await makeConfigurationFolder()
  engine = await startRecordingEngine(folder.path)
})
afterAll(async () => {
  await engine?.stop()
  vi.unstubAllEnvs()
  await folder?.remove()
})
beforeEach(() => resetFolder(folder))

const environment = () => ({ DOCKER_CONFIG: folder.path })

/** What we send for an image. */
const ours = async (image: string): Promise<string> => {
  const { registry } = await Effect.runPromise(parseImageReference(image))
  return Redacted.value(registryAuthHeader(await runWith(configuredAuth(environment()), find(registry)), registry))
}

describe("the credentials in the docker command's configuration", () => {
  const prepare = (row: CredentialRow) => writeRow(folder, row)
  for (const [name, row] of Object.entries(credentialRows)) {
    it(`are found: ${name}`, async () => {
      await prepare(row)
      expect(sentCredentials(await ours(row.image ?? image))).toStrictEqual(row.sent)
      expect(await folder.takeCalls()).toStrictEqual(row.calls ?? [])
    })
    itDockerCli(`are those that the docker command sends: ${name}`, async (docker) => {
      await prepare(row)
      engine.takePulls()
      await docker(["pull", row.image ?? image], { ...environment(), DOCKER_HOST: engine.endpoint })
      const pulls = engine.takePulls()
      expect(pulls.map(({ auth }) => sentCredentials(auth))).toStrictEqual([row.sent])
      expect(await folder.takeCalls()).toStrictEqual(row.calls ?? [])
    })
  }
})

/** Configurations that the docker command ignores, with a warning at most. */
const broken: Readonly<Record<string, readonly [config: unknown, reason: string]>> = {
  "a file that is cut short": [`{"auths":{"${registry}":{"auth":"${base64("u:p")}`, "it is not valid JSON"],
  "a file with an array": ["[]", "it is not a JSON object"],
  "a file with a byte order mark": ["\uFEFF{}", "it is not valid JSON"],
  "auth that is not base64": [{ auths: { [registry]: { auth: "!!" } } }, '"auth" is not base64'],
  "auth without its padding": [{ auths: { [registry]: { auth: "dTpwcA" } } }, '"auth" is not base64'],
  "auth without a colon": [{ auths: { [registry]: entry("nobody") } }, '"auth" is not the base64 of "USER:PASSWORD"'],
  "auth without a user": [{ auths: { [registry]: entry(":p") } }, '"auth" is not the base64 of "USER:PASSWORD"'],
  "auth that is no string": [{ auths: { [registry]: { auth: 7 } } }, '"auth" is not a string'],
  "an entry that is no object": [{ auths: { [registry]: "u:p" } }, 'its entry in "auths" is not an object'],
  "auths that is no object": [{ auths: [] }, '"auths" is not an object'],
  "a store that is no string": [{ credsStore: {} }, '"credsStore" is not a string'],
  "a helper that is no string": [{ credHelpers: { [registry]: {} } }, `"credHelpers" has no string for "${registry}"`]
}

describe("a broken configuration", () => {
  for (const [name, [config, reason]] of Object.entries(broken)) {
    it(`is an error that says what to fix: ${name}`, async () => {
      await folder.write(config)
      const error = await failureWith(configuredAuth(environment()), find(registry))
      expect(error).toStrictEqual(
        new RegistryError({ registry, reason: "CredentialsUnavailable", credentials: folder.file, detail: reason })
      )
      expect(error.message).toBe(
        `Registry "${registry}": the credentials from ${folder.file} cannot be read. Fix or remove that configuration. (${reason})`
      )
    })
  }

  it("is an error if the file cannot be read", async () => {
    await mkdir(folder.file)
    expect(await failureWith(configuredAuth(environment()), find(registry))).toMatchObject({
      reason: "CredentialsUnavailable",
      credentials: folder.file,
      detail: "EISDIR: illegal operation on a directory, read"
    })
    // A file is where the folder should be.
    await rm(folder.file, { recursive: true })
    await folder.write({})
    expect(await failureWith(configuredAuth({ DOCKER_CONFIG: folder.file }), find(registry))).toMatchObject({
      reason: "CredentialsUnavailable",
      credentials: join(folder.file, "config.json")
    })
  })

  it("does not concern other registries if one entry is broken", async () => {
    await folder.write({ auths: { "other.test": { auth: "!!" }, [registry]: entry() } })
    expect(revealed(await runWith(configuredAuth(environment()), find(registry)))).toEqual(user)
    expect(await failureWith(configuredAuth(environment()), find("other.test"))).toMatchObject({
      registry: "other.test",
      reason: "CredentialsUnavailable"
    })
  })
})

describe("DOCKER_AUTH_CONFIG", () => {
  const variable = (value: unknown) => ({
    ...environment(),
    DOCKER_AUTH_CONFIG: typeof value === "string" ? value : JSON.stringify(value)
  })

  it.each([
    ["auths", () => folder.write(keyed(registry))],
    ["a helper", () => folder.write({ credHelpers: { [registry]: "a" } })],
    ["a store", () => folder.write({ credsStore: "a" })],
    ["a broken file", () => folder.write("{")]
  ])("takes precedence over %s", async (_, prepare) => {
    await prepare()
    const layer = configuredAuth(variable({ auths: { [registry]: entry("env:x") } }))
    const found = await runWith(layer, find(registry))
    expect(revealed(found)).toEqual({ username: "env", password: "x" })
    expect(found?.source).toBe("DOCKER_AUTH_CONFIG")
    expect(await folder.takeCalls()).toEqual([])
  })

  it("has no credentials for what is not an exact key", async () => {
    await folder.write({ auths: { [registry]: entry("file:x"), [hub]: entry("hub:x") } })
    for (const key of [`https://${registry}`, `${registry}/team`, "r.test", "docker.io"]) {
      const layer = configuredAuth(variable({ auths: { [key]: entry("env:x") } }))
      expect(revealed(await runWith(layer, find(registry)))).toMatchObject({ username: "file" })
      expect(revealed(await runWith(layer, find("docker.io")))).toMatchObject({ username: "hub" })
    }
    const layer = configuredAuth(variable({ auths: { [hub]: entry("env:x") } }))
    expect(revealed(await runWith(layer, find("docker.io")))).toMatchObject({ username: "env" })
  })

  it.each([
    ["not JSON", "{", "it is not valid JSON"],
    ["more than one value", "{} {}", "it is not valid JSON"],
    ["an array", "[]", "it is not a JSON object"],
    ["another field", { auths: {}, credsStore: "a" }, 'it has fields besides "auths"'],
    ["an entry without auth", { auths: { [registry]: entry(), x: {} } }, 'it has an entry without "auth"'],
    ["an entry that is null", { auths: { [registry]: entry(), x: null } }, 'it has an entry without "auth"'],
    ["an entry with more", { auths: { [registry]: { ...entry(), username: "u" } } }, 'it has fields besides "auth"'],
    ["an entry that is not base64", { auths: { [registry]: { auth: "!" } } }, '"auth" is not base64']
  ])("is ignored with a warning: %s", async (_, value, reason) => {
    await folder.write({ auths: { [registry]: entry("file:x") } })
    const warnings: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => void warnings.push(`${logLevel.label} ${String(message)}`))
    const found = await runWith(
      configuredAuth(variable(value)),
      find(registry).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
    )
    expect(revealed(found)).toEqual({ username: "file", password: "x" })
    expect(warnings).toEqual([`WARN DOCKER_AUTH_CONFIG is ignored, as it is not valid: ${reason}. Fix or unset it.`])
  })

  it.each(["", " ", "null", "{}", '{"auths":null}'])("may be empty: %j", async (value) => {
    await folder.write(keyed(registry))
    expect(revealed(await runWith(configuredAuth(variable(value)), find(registry)))).toEqual(user)
  })
})

describe("the configuration", () => {
  afterEach(() => vi.unstubAllEnvs())

  it("is read by each call", async () => {
    const program = Effect.gen(function* () {
      const { find } = yield* RegistryAuth
      const before = yield* find(registry)
      yield* Effect.promise(() => folder.write(keyed(registry)))
      const during = yield* find(registry)
      yield* Effect.promise(() => folder.write({}))
      return [before, during, yield* find(registry)].map(revealed)
    })
    expect(await runWith(configuredAuth(environment()), program)).toEqual([undefined, user, undefined])
  })

  it("is in the home directory if DOCKER_CONFIG is not set", async () => {
    vi.stubEnv("HOME", folder.path)
    await mkdir(join(folder.path, ".docker"))
    await writeFile(join(folder.path, ".docker/config.json"), JSON.stringify(keyed(registry)))
    for (const unset of [{}, { DOCKER_CONFIG: "" }]) {
      const found = await runWith(configuredAuth(unset), find(registry))
      expect(revealed(found)).toEqual(user)
      expect(found?.source).toBe(join(folder.path, ".docker/config.json"))
    }
  })

  it("comes after given credentials", async () => {
    await folder.write({ auths: { [registry]: entry(), "other.test": entry(), [hub]: entry() } })
    const layer = configuredAuth(environment(), {
      credentials: {
        [registry]: { username: "given", password: Redacted.make("x") },
        "other.test": {},
        [hub]: { identityToken: Redacted.make("refresh") }
      }
    })
    const given = await runWith(layer, find(registry))
    expect(revealed(given)).toEqual({ username: "given", password: "x" })
    expect(given?.source).toBe("RegistryAuth.layerConfigWith")
    expect(await runWith(layer, find("other.test"))).toBeUndefined()
    expect(revealed(await runWith(layer, find("docker.io")))).toEqual({ identityToken: "refresh" })
    const rest = configuredAuth(environment(), { credentials: { "r.test": { username: "given" } } })
    expect(revealed(await runWith(rest, find(registry)))).toEqual(user)
  })
})
