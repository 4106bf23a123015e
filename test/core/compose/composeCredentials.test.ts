import { RegistryAuth, type RegistryCredentials } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { existsSync } from "node:fs"
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { composeCredentials } from "../../../packages/core/src/internal/compose/cli/composeCredentials.js"
import { writeProject } from "./projectFiles.js"

const ann: RegistryCredentials = { username: "ann", password: Redacted.make("secret") }
const annAuth = { auth: Buffer.from("ann:secret").toString("base64") }
const given = { "localhost:5000": ann }

describe("the credentials that compose is given", () => {
  let folder = ""
  const userConfig = {
    auths: { "localhost:5000": { auth: "old" }, "other:5000": { auth: "kept" } },
    credsStore: "store",
    credHelpers: { "localhost:5000": "helper", "third:5000": "helper" },
    proxies: { default: {} }
  }
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "dockwire-compose-test-"))
    await writeProject(folder, "with", { "config.json": JSON.stringify(userConfig), "cli-plugins/docker-compose": "" })
    await writeProject(folder, "without", { "config.json": '{"proxies":{}}' })
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  /** The variables, the configuration that they lead to, and what is left afterwards. */
  const told = async (
    layer: typeof RegistryAuth.layerConfig,
    options: { readonly config: "with" | "without"; readonly readsVariable: boolean; readonly authVariable?: string }
  ) => {
    const own = await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const auth = yield* RegistryAuth
          const variables = yield* composeCredentials(auth, {
            base: { DOCKER_CONFIG: join(folder, options.config) },
            authVariable: options.authVariable,
            readsVariable: options.readsVariable
          })
          const path = variables["DOCKER_CONFIG"]
          if (path === undefined) return { variables, path }
          return {
            variables,
            path,
            mode: (yield* Effect.promise(() => stat(path))).mode & 0o777,
            names: (yield* Effect.promise(() => readdir(path))).toSorted(),
            config: JSON.parse(yield* Effect.promise(() => readFile(join(path, "config.json"), "utf8"))) as unknown
          }
        })
      ).pipe(Effect.provide(layer))
    )
    expect(own.path !== undefined && existsSync(own.path)).toBe(false)
    return own
  }

  it("are in a variable, where compose reads it", async () => {
    const { variables } = await told(RegistryAuth.layer(given), { config: "without", readsVariable: true })
    expect(Object.keys(variables)).toEqual(["DOCKER_AUTH_CONFIG"])
    expect(JSON.parse(variables["DOCKER_AUTH_CONFIG"] ?? "")).toEqual({ auths: { "localhost:5000": annAuth } })
  })

  it("are a failure, not a defect, where no folder can be made for them", async () => {
    vi.stubEnv("TMPDIR", join(folder, "nowhere"))
    try {
      const written = Effect.scoped(
        Effect.flatMap(RegistryAuth, (auth) =>
          composeCredentials(auth, { base: { DOCKER_CONFIG: folder }, authVariable: undefined, readsVariable: false })
        )
      )
      const failure = await Effect.runPromise(Effect.flip(Effect.provide(written, RegistryAuth.layer(given))))
      expect(failure).toContain("ENOENT")
    } finally {
      vi.unstubAllEnvs()
    }
  })

  it("are in a private folder, with the user's own", async () => {
    const layer = RegistryAuth.layerConfigWith({ credentials: given })
    const { config, mode, names } = await told(layer, { config: "with", readsVariable: false })
    expect(mode).toBe(0o700)
    expect(names).toEqual(["cli-plugins", "config.json"])
    expect(config).toEqual({
      ...userConfig,
      auths: { ...userConfig.auths, "localhost:5000": annAuth },
      credHelpers: { ...userConfig.credHelpers, "localhost:5000": "" }
    })
  })

  it("are the only ones, if there are to be no others", async () => {
    const { config } = await told(RegistryAuth.layer(given), { config: "with", readsVariable: true })
    expect(config).toEqual({ auths: { "localhost:5000": annAuth }, proxies: { default: {} } })
    const anonymous = await told(RegistryAuth.layer(), { config: "with", readsVariable: true })
    expect(anonymous.config).toEqual({ auths: {}, proxies: { default: {} } })
  })

  it("are those of DOCKER_AUTH_CONFIG too, if compose is to find others by itself", async () => {
    const authVariable = JSON.stringify({ auths: { "fourth:5000": annAuth } })
    const layer = RegistryAuth.layerConfigWith({ credentials: given })
    const { variables } = await told(layer, { config: "with", readsVariable: true, authVariable })
    expect(JSON.parse(variables["DOCKER_AUTH_CONFIG"] ?? "")).toEqual({
      auths: { "localhost:5000": annAuth, "fourth:5000": annAuth }
    })
  })

  it("are none, if compose finds all of them by itself", async () => {
    expect((await told(RegistryAuth.layerConfig, { config: "with", readsVariable: true })).variables).toEqual({})
    expect((await told(RegistryAuth.layer(), { config: "without", readsVariable: false })).variables).toEqual({})
  })

  it("are in the folder if they are more than a user name and a password", async () => {
    const token = RegistryAuth.layer({ "docker.io": { identityToken: Redacted.make("token") }, "quay.io": {} })
    const { config } = await told(token, { config: "without", readsVariable: true })
    expect(config).toEqual({
      proxies: {},
      auths: { "https://index.docker.io/v1/": { identitytoken: "token" }, "quay.io": {} }
    })
  })
})
