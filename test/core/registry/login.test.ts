import { Docker, EngineError, RegistryAuth, RegistryError } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { freePort } from "../../engine/freePort.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { registryAnswers } from "../../engine/registryAnswers.js"
import { type RegistryFront, startRegistryFront } from "../../engine/registryFront.js"
import { startTestRegistry, type TestRegistry } from "../../engine/testRegistry.js"
import { failureWith, runWith } from "../runWith.js"
import { configuredAuth } from "./findCredentials.js"
import { type ConfigurationFolder, makeConfigurationFolder } from "./recordingEngine.js"

const user = { username: "ann", password: "pass:w\u00f6rd" }
const given = { username: user.username, password: Redacted.make(user.password) }
const wrong = { username: user.username, password: Redacted.make("wr0ng") }
const engine = () => Docker.layer({ endpoint: testEngine().endpoint })
const auth = (credentials?: Parameters<typeof RegistryAuth.layer>[0]) =>
  Layer.merge(RegistryAuth.layer(credentials), engine())

describeEngine("a login", () => {
  let folder: ConfigurationFolder
  let registry: TestRegistry
  const fronts: Array<RegistryFront> = []
  const front = async (options: Parameters<typeof startRegistryFront>[0]) => {
    const started = await startRegistryFront(options)
    fronts.push(started)
    return started
  }
  beforeAll(async () => {
    ;[folder, registry] = await Promise.all([makeConfigurationFolder(), startTestRegistry({ isPrivate: true })])
  })
  afterEach(() => Promise.all(fronts.splice(0).map((started) => started.stop())))
  afterAll(() => Promise.all([registry?.stop(), folder?.remove()]))

  const login = (host: string) => RegistryAuth.login(host)

  it("succeeds with the right credentials, wherever they are from", async () => {
    const { host } = registry
    const { password = "", username = "" } = registry.credentials ?? {}
    const environment = { DOCKER_CONFIG: folder.path }
    await folder.write({ auths: { [host]: { auth: Buffer.from(`${username}:${password}`).toString("base64") } } })
    expect(await runWith(Layer.merge(configuredAuth(environment), engine()), login(host))).toBeUndefined()
    // What is given comes first, also if it is wrong.
    const misled = Layer.merge(configuredAuth(environment, { credentials: { [host]: wrong } }), engine())
    expect(await failureWith(misled, login(host))).toMatchObject({
      reason: "Unauthorized",
      credentials: "RegistryAuth.layerConfigWith"
    })
    const layers = {
      layerConfig: RegistryAuth.layerConfig,
      layerConfigWith: RegistryAuth.layerConfigWith({
        credentials: { [host]: { username, password: Redacted.make(password) } }
      })
    }
    // This machine's own configuration knows nothing of a registry on a free port.
    expect(await failureWith(Layer.merge(layers.layerConfig, engine()), login(host))).toBeInstanceOf(RegistryError)
    expect(await runWith(Layer.merge(layers.layerConfigWith, engine()), login(host))).toBeUndefined()
  })

  it("succeeds with what a token endpoint accepts", async () => {
    const { host, requests } = await front({ access: { kind: "bearer", user, identityToken: "refresh" } })
    await runWith(auth({ [host]: given }), login(host))
    await runWith(auth({ [host]: { identityToken: Redacted.make("refresh") } }), login(host))
    expect(await failureWith(auth({ [host]: { identityToken: Redacted.make("other") } }), login(host))).toMatchObject({
      reason: "Unauthorized",
      credentials: "RegistryAuth.layer"
    })
    expect(requests.some(({ form }) => form.includes("refresh_token=refresh"))).toBe(true)
  })

  it("succeeds without credentials where none are required", async () => {
    const { host, requests } = await front({})
    await runWith(auth(), login(host))
    expect(requests.map(({ authorization }) => authorization)).toEqual(requests.map(() => undefined))
    expect(requests.length).toBeGreaterThan(0)
  })

  it("sends a password to its own registry only", async () => {
    const [mine, other] = [
      await front({ access: { kind: "basic", user } }),
      await front({ access: { kind: "basic", user } })
    ]
    const layer = auth({ [mine.host]: given })
    await runWith(layer, login(mine.host))
    expect(await failureWith(layer, login(other.host))).toMatchObject({ reason: "Unauthorized", credentials: "none" })
    expect(mine.requests.some(({ authorization }) => authorization !== undefined)).toBe(true)
    expect(other.requests.every(({ authorization }) => authorization === undefined)).toBe(true)
  })

  it.each([
    ["a wrong password", undefined, "Unauthorized"],
    ["401 without a challenge", registryAnswers.unauthorized, "Unauthorized"],
    ["403", registryAnswers.forbidden, "Denied"],
    ["403 with words", registryAnswers.gitLabDenied, "Denied"],
    ["403 of the token endpoint", registryAnswers.tokenForbidden, "Denied"],
    ["429", registryAnswers.hubRateLimit, "RateLimited"],
    ["429 as a page", registryAnswers.tooManyRequests, "RateLimited"],
    ["429 of the token endpoint", { ...registryAnswers.tooManyRequests, on: ["token"] as const }, "RateLimited"],
    ["500", registryAnswers.serverError, "Broken"],
    ["503", registryAnswers.unavailable, "Broken"],
    ["503 of the token endpoint", { ...registryAnswers.unavailable, on: ["token"] as const }, "Broken"],
    ["404", registryAnswers.nameUnknown, "Broken"],
    ["a token endpoint without tokens", { on: ["token"] as const, status: 200, body: "{}" }, "Broken"]
  ])("fails with the reason: %s", async (_, answer, reason) => {
    const ofToken = answer?.on.some((part) => part === "token") === true
    const access = { kind: ofToken || answer === undefined ? ("bearer" as const) : ("basic" as const), user }
    const { break: breakFront, host } = await front({ access })
    if (answer !== undefined) breakFront(undefined, { ...answer, kind: "answer", on: ofToken ? ["token"] : ["all"] })
    const credentials = answer === undefined ? wrong : given
    const error = await failureWith(auth({ [host]: credentials }), login(host))
    expect(error).toMatchObject({
      _tag: "RegistryError",
      registry: host,
      reason,
      credentials: "RegistryAuth.layer"
    })
    expect(error).not.toHaveProperty("image")
  })

  it("fails if the registry cannot be reached", async () => {
    for (const host of [`127.0.0.1:${await freePort()}`, "registry.invalid"])
      expect(await failureWith(auth(), login(host))).toMatchObject({
        _tag: "RegistryError",
        registry: host,
        reason: "Unreachable",
        credentials: "none"
      })
  })

  it("fails for what is not a registry, and for a token that the engine cannot check", async () => {
    expect(await failureWith(auth(), login("no where"))).toMatchObject({
      _tag: "InvalidRequest",
      field: "registry",
      value: "no where"
    })
    const { host, requests } = await front({ access: { kind: "bearer", user, registryToken: "access" } })
    expect(await failureWith(auth({ [host]: { registryToken: Redacted.make("access") } }), login(host))).toMatchObject({
      _tag: "InvalidRequest",
      detail: "the engine cannot check the access token from RegistryAuth.layer. Pull an image to check it"
    })
    expect(requests).toEqual([])
  })

  it("fails if the credentials cannot be read, or there is no engine", async () => {
    await folder.write("{")
    const layer = configuredAuth({ DOCKER_CONFIG: folder.path })
    expect(await failureWith(Layer.merge(layer, engine()), login(registry.host))).toMatchObject({
      reason: "CredentialsUnavailable",
      credentials: folder.file
    })
    const nowhere = Docker.layer({ endpoint: "unix:///nowhere/docker.sock" })
    expect(await failureWith(Layer.merge(RegistryAuth.layer(), nowhere), login(registry.host))).toMatchObject({
      _tag: "EngineUnavailable"
    })
  })
})

/** A `Docker` that answers every request with this error. */
const answering = (status: number, detail: string) =>
  Layer.succeed(Docker, {
    endpoint: "unix:///recorded.sock",
    json: ({ method, path }) => Effect.fail(new EngineError({ request: `${method} ${path}`, status, detail })),
    stream: () => Effect.dieMessage("not used"),
    hijack: () => Effect.dieMessage("not used")
  })

/** Recorded from 20.10.24, 28.5.2 with both image stores, and Podman 4.3.1, where they differ from the engine above. */
const recorded: ReadonlyArray<readonly [status: number, detail: string, reason: string]> = [
  [403, 'Get "http://127.0.0.1:42003/v2/": denied: denied', "Denied"],
  [
    500,
    'Get "https://nowhere.test/v2/": dial tcp: lookup nowhere.test on 10.255.255.53:53: dial udp 10.255.255.53:53: connect: network is unreachable',
    "Unreachable"
  ],
  [500, "login attempt to localhost:43975 failed with status: 401 Unauthorized", "Unauthorized"],
  [
    500,
    "login attempt to localhost:42603 failed with status: pinging container registry localhost:42603: invalid status code from registry 403 (Forbidden)",
    "Denied"
  ],
  [
    500,
    "login attempt to localhost:39419 failed with status: Requesting bearer token: invalid status code from registry 403 (Forbidden)",
    "Denied"
  ],
  [
    500,
    "login attempt to localhost:41777 failed with status: pinging container registry localhost:41777: too many requests to registry",
    "RateLimited"
  ],
  [500, "login attempt to localhost:34763 failed with status: too many requests to registry", "RateLimited"],
  [
    500,
    "login attempt to localhost:34509 failed with status: pinging container registry localhost:34509: invalid status code from registry 503 (Service Unavailable)",
    "Broken"
  ],
  [
    500,
    'login attempt to 127.0.0.1:45393 failed with status: pinging container registry 127.0.0.1:45393: Get "https://127.0.0.1:45393/v2/": http: server gave HTTP response to HTTPS client',
    "Unreachable"
  ],
  [
    500,
    'login attempt to 127.0.0.1:1 failed with status: pinging container registry 127.0.0.1:1: Get "https://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
    "Unreachable"
  ],
  [
    500,
    'login attempt to no where failed with status: pinging container registry no where: parse "https://no where/v2/": invalid character " " in host name',
    "InvalidRequest"
  ],
  // From Go's sources: what these failures say.
  [
    500,
    'Get "https://r.test/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    "Unreachable"
  ],
  [500, 'Get "https://r.test/v2/": x509: certificate has expired or is not yet valid', "Unreachable"],
  [
    500,
    'Get "https://r.test/v2/": net/http: request canceled (Client.Timeout exceeded while awaiting headers)',
    "Unreachable"
  ],
  [500, 'Get "https://r.test/v2/": context deadline exceeded', "Unreachable"],
  [500, 'Get "https://r.test/v2/": EOF', "Unreachable"],
  // A host whose name is a word of the table.
  [500, 'Get "https://denied:429/v2/": dial tcp: lookup denied: no such host', "Unreachable"],
  [500, "something else: the daemon is shutting down", "EngineError"],
  [404, "page not found", "EngineError"]
]

describe("a login that fails", () => {
  it.each(recorded)("on other engines: %i %s", async (status, detail, expected) => {
    const layer = Layer.merge(RegistryAuth.layer(), answering(status, detail))
    const exit = await runWith(layer, Effect.exit(RegistryAuth.login("r.test")))
    const error = Exit.isFailure(exit) && exit.cause._tag === "Fail" ? exit.cause.error : undefined
    expect(error).toMatchObject({ detail })
    expect(error instanceof RegistryError ? error.reason : error?._tag).toBe(expected)
  })
})
