import { Docker } from "@dockwire/core"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { createHash } from "node:crypto"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { itDockerCli } from "../../engine/itDockerCli.js"
import { type EngineForwarder, startEngineForwarder } from "../../engine/engineForwarder.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { makeTestCertificates, type TestCertificates } from "../../engine/testCertificates.js"
import { failureWith, runWith } from "../runWith.js"

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "dockwire-config-"))
  return () => rm(folder, { recursive: true })
})

const layer = (variables: Readonly<Record<string, string>>) =>
  Docker.layerConfig.pipe(
    Layer.provide(
      Layer.setConfigProvider(ConfigProvider.fromMap(new Map(Object.entries({ DOCKER_CONFIG: folder, ...variables }))))
    )
  )
const endpoint = Effect.map(Docker, (docker) => docker.endpoint)
const ping = Effect.flatMap(Docker, (docker) => docker.json({ method: "GET", path: "/_ping" }))

const byDefault = "unix:///var/run/docker.sock"

/** What is found, and the warnings that are logged. */
const configured = async (variables: Readonly<Record<string, string>>) => {
  const warnings: Array<string> = []
  const logger = Logger.make(({ message }) => void warnings.push(String(message)))
  const found = await Effect.runPromise(
    Docker.configured.pipe(
      Effect.withConfigProvider(
        ConfigProvider.fromMap(new Map(Object.entries({ DOCKER_CONFIG: folder, ...variables })))
      ),
      Effect.provide(Logger.replace(Logger.defaultLogger, logger))
    )
  )
  return { found, warnings }
}

const writeContext = async (name: string, docker: Readonly<Record<string, unknown>>) => {
  const digest = createHash("sha256").update(name).digest("hex")
  await mkdir(join(folder, "contexts/meta", digest), { recursive: true })
  const meta = { Name: name, Metadata: {}, Endpoints: { docker } }
  await writeFile(join(folder, "contexts/meta", digest, "meta.json"), JSON.stringify(meta))
  const tls = join(folder, "contexts/tls", digest, "docker")
  return {
    certificates: async (files: Readonly<Record<string, string>>) => {
      await mkdir(tls, { recursive: true })
      for (const [file, text] of Object.entries(files)) await writeFile(join(tls, file), text)
    }
  }
}

describe("the engine that the docker CLI would use", () => {
  it("is the default one if none is configured", async () => {
    expect(await runWith(layer({}), endpoint)).toBe("unix:///var/run/docker.sock")
    expect(await runWith(layer({ DOCKER_HOST: " ", DOCKER_CONTEXT: "" }), endpoint)).toBe("unix:///var/run/docker.sock")
    await writeFile(join(folder, "config.json"), JSON.stringify({ auths: {}, currentContext: "default" }))
    expect(await runWith(layer({}), endpoint)).toBe("unix:///var/run/docker.sock")
  })

  it("is that of DOCKER_HOST, which takes precedence over contexts", async () => {
    await writeContext("far", { Host: "tcp://far:2375" })
    await writeFile(join(folder, "config.json"), JSON.stringify({ currentContext: "far" }))
    const variables = { DOCKER_HOST: "unix:///run/other.sock", DOCKER_CONTEXT: "far" }
    expect(await runWith(layer(variables), endpoint)).toBe("unix:///run/other.sock")
  })

  it("is that of DOCKER_CONTEXT, or of the current context in the configuration", async () => {
    await writeContext("far", { Host: "tcp://far:2375" })
    await writeContext("near", { Host: "unix:///run/near.sock" })
    await writeFile(join(folder, "config.json"), JSON.stringify({ currentContext: "near" }))
    expect(await runWith(layer({}), endpoint)).toBe("unix:///run/near.sock")
    expect(await runWith(layer({ DOCKER_CONTEXT: "far" }), endpoint)).toBe("tcp://far:2375")
    expect(await runWith(layer({ DOCKER_CONTEXT: "default" }), endpoint)).toBe("unix:///var/run/docker.sock")
  })

  it("is configured in the home directory if DOCKER_CONFIG is not set", async () => {
    const home = process.env["HOME"]
    process.env["HOME"] = folder
    try {
      await mkdir(join(folder, ".docker"))
      await writeFile(join(folder, ".docker/config.json"), JSON.stringify({ currentContext: "none" }))
      expect(await failureWith(layer({ DOCKER_CONFIG: "" }), endpoint)).toMatchObject({
        _tag: "InvalidRequest",
        field: "Docker context",
        value: "none"
      })
    } finally {
      process.env["HOME"] = home
    }
  })

  it("is not guessed if its context is malformed, and the error says what to do", async () => {
    await writeContext("far", { Host: 7 })
    const ofContext = await failureWith(layer({ DOCKER_CONTEXT: "far" }), endpoint)
    expect(ofContext).toMatchObject({ _tag: "InvalidRequest", value: "far" })
    expect(ofContext).toHaveProperty(
      "message",
      expect.stringContaining('is not valid. Recreate the context with "docker context create", or set DOCKER_HOST')
    )
  })

  it("is the default one if its configuration is malformed or cannot be read, with a warning that says what to do", async () => {
    const path = join(folder, "config.json")
    const expectWarning = async (reason: string) => {
      const { found, warnings } = await configured({})
      const warning = `The Docker configuration ${path} is ignored, as it cannot be read: ${reason}. Fix or remove it, or set DOCKER_HOST`
      // It may have selected an engine.
      expect(found).toEqual({ configured: true, endpoint: byDefault, warning })
      expect(warnings).toEqual([warning])
    }
    await writeFile(path, "[]")
    await expectWarning("it is not a JSON object")
    await writeFile(path, '{"currentContext":7}')
    await expectWarning("currentContext is not a string")
    await rm(path)
    // A directory cannot be read as a file, not even by root.
    await mkdir(path)
    await expectWarning("EISDIR: illegal operation on a directory, read")
    await rm(path, { recursive: true })
    expect(await configured({})).toEqual({ found: { configured: false, endpoint: byDefault }, warnings: [] })
  })

  itDockerCli("is the one that the docker CLI uses, whatever is in its files", async (docker) => {
    const near = "unix:///nowhere/near.sock"
    const meta = (docker: string) => `{"Name":"near","Endpoints":{"docker":${docker}}}`
    const select = '{"currentContext":"near"}'
    const configurations = [
      "",
      " \n",
      "null",
      "{}",
      '{"currentContext":null}',
      '{"currentContext":""}',
      '{"currentContext":"default"}',
      "[]",
      "7",
      '"x"',
      "{",
      '{"currentContext":7}',
      '{"currentContext":["near"]}',
      "currentContext: near",
      select,
      '{"CURRENTCONTEXT":"near"}',
      '{"currentContext":"x","currentcontext":"near"}',
      `\ufeff${select}`,
      `${select} and more`,
      `${select}${select}`,
      '{"currentContext":"near"',
      '{"currentContext":"missing"}',
      '{"currentContext":" near "}',
      '{"unknown":{"currentContext":"x"},"a":"}{","currentContext":"near"}'
    ]
    const contexts = [
      meta(`{"Host":"${near}"}`),
      meta(`{"host":"${near}","SkipTLSVerify":null}`),
      meta("{}"),
      meta('{"Host":""}'),
      meta('{"Host":null}'),
      meta('{"Host":7}'),
      meta("null"),
      meta("[]"),
      "",
      "null",
      "[]",
      "{}",
      "{",
      "﻿{}",
      '{"Endpoints":null}',
      '{"Endpoints":{"Docker":{"Host":"x"}}}',
      `${meta(`{"Host":"${near}"}`)} and more`,
      meta(`{"Host":"${near}","SkipTLSVerify":"no"}`),
      `{"endpoints":{"docker":{"Host":"${near}"}}}`
    ]
    const cases = [
      ...configurations.map((configuration) => [configuration, meta(`{"Host":"${near}"}`)] as const),
      ...contexts.map((context) => [select, context] as const)
    ]
    await writeContext("near", {})
    const digest = createHash("sha256").update("near").digest("hex")
    for (const [configuration, context] of cases) {
      await writeFile(join(folder, "config.json"), configuration)
      await writeFile(join(folder, "contexts/meta", digest, "meta.json"), context)
      const { stderr, success } = await docker(["ps", "--quiet"], { DOCKER_CONFIG: folder })
      const [, reached = success ? byDefault : "none"] = /the Docker daemon at (\S+)\. Is/.exec(stderr) ?? []
      const ours = await configured({}).catch(() => undefined)
      expect([configuration, context, ours?.found.endpoint ?? "none", ours?.warnings.length ?? 0]).toEqual([
        configuration,
        context,
        reached,
        /^WARNING: Error (parsing|loading) config file/m.test(stderr) && reached !== "none" ? 1 : 0
      ])
    }
  })

  it("is distinguished from the default that nobody has configured", async () => {
    const configured = (variables: Readonly<Record<string, string>>) =>
      Effect.runPromise(
        Docker.configured.pipe(
          Effect.map((options) => [options.configured, options.endpoint]),
          Effect.withConfigProvider(
            ConfigProvider.fromMap(new Map(Object.entries({ DOCKER_CONFIG: folder, ...variables })))
          )
        )
      )
    const byDefault = "unix:///var/run/docker.sock"
    expect(await configured({})).toEqual([false, byDefault])
    expect(await configured({ DOCKER_HOST: " ", DOCKER_CONTEXT: "", DOCKER_TLS_VERIFY: "" })).toEqual([
      false,
      byDefault
    ])
    await writeFile(join(folder, "config.json"), JSON.stringify({ currentContext: "default" }))
    expect(await configured({})).toEqual([false, byDefault])
    expect(await configured({ DOCKER_HOST: byDefault })).toEqual([true, byDefault])
    expect(await configured({ DOCKER_CONTEXT: "default" })).toEqual([true, byDefault])
    expect(await configured({ DOCKER_TLS_VERIFY: "1" })).toEqual([true, byDefault])
    await writeContext("far", { Host: "tcp://far:2375" })
    expect(await configured({ DOCKER_CONTEXT: "far" })).toEqual([true, "tcp://far:2375"])
    await writeFile(join(folder, "config.json"), JSON.stringify({ currentContext: "far" }))
    expect(await configured({})).toEqual([true, "tcp://far:2375"])
  })

  it("is not guessed if its configuration is invalid", async () => {
    const failure = (variables: Readonly<Record<string, string>>) => failureWith(layer(variables), endpoint)
    expect(await failure({ DOCKER_CONTEXT: "nowhere" })).toMatchObject({
      _tag: "InvalidRequest",
      field: "Docker context",
      value: "nowhere"
    })
    for (const host of ["nonsense", "tcp://", "unix://relative.sock", "tcp://host:70000", "ssh://-oProxyCommand=x"]) {
      expect(await failure({ DOCKER_HOST: host })).toMatchObject({
        _tag: "InvalidRequest",
        field: "Docker endpoint",
        value: host
      })
    }
    await writeFile(join(folder, "config.json"), "{")
    // A configuration with lower precedence is not read.
    expect(await runWith(layer({ DOCKER_HOST: "unix:///run/other.sock" }), endpoint)).toBe("unix:///run/other.sock")
    await writeContext("broken", { Host: 7 })
    expect(await failure({ DOCKER_CONTEXT: "broken" })).toMatchObject({
      _tag: "InvalidRequest",
      field: "Docker context"
    })
    await writeFile(join(folder, "cert.pem"), "half of a pair")
    const secured = { DOCKER_HOST: "tcp://far:2376", DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: folder }
    expect(await failure(secured)).toMatchObject({
      _tag: "InvalidRequest",
      field: "DOCKER_CERT_PATH",
      detail: "the folder contains cert.pem but not key.pem"
    })
  })
})

describeEngine("an engine behind TLS", () => {
  let certificates: TestCertificates
  let others: TestCertificates
  let forwarder: EngineForwarder
  beforeAll(async () => {
    ;[certificates, others] = await Promise.all([makeTestCertificates(), makeTestCertificates()])
    const { ca, server } = certificates
    forwarder = await startEngineForwarder(testEngine().endpoint, {
      tls: { ...server, ca, requestCert: true, rejectUnauthorized: true }
    })
  })
  afterAll(() => forwarder?.stop())
  const files = (from = certificates) => ({
    "ca.pem": from.ca,
    "cert.pem": certificates.client.cert,
    "key.pem": certificates.client.key
  })
  const writeCertificates = async (from?: TestCertificates) => {
    for (const [file, text] of Object.entries(files(from))) await writeFile(join(folder, file), text)
  }
  const host = () => `tcp://127.0.0.1:${forwarder.port}`

  it("is used with DOCKER_TLS_VERIFY and DOCKER_CERT_PATH", async () => {
    await writeCertificates()
    const variables = { DOCKER_HOST: host(), DOCKER_TLS_VERIFY: "1" }
    expect(await runWith(layer({ ...variables, DOCKER_CERT_PATH: folder }), ping)).toMatchObject({ status: 200 })
    // Without DOCKER_CERT_PATH, the certificates are in the configuration directory.
    expect(await runWith(layer(variables), ping)).toMatchObject({ status: 200 })
  })

  it("is verified with DOCKER_TLS_VERIFY, but not with DOCKER_TLS alone", async () => {
    await writeCertificates(others)
    const variables = { DOCKER_HOST: host(), DOCKER_CERT_PATH: folder }
    expect(await failureWith(layer({ ...variables, DOCKER_TLS_VERIFY: "1" }), ping)).toMatchObject({
      _tag: "EngineUnavailable",
      reason: "PermissionDenied"
    })
    expect(await runWith(layer({ ...variables, DOCKER_TLS: "1" }), ping)).toMatchObject({ status: 200 })
  })

  it("is used through a context, with the certificates of that context", async () => {
    const context = await writeContext("secure", { Host: host(), SkipTLSVerify: false })
    await context.certificates(files())
    expect(await runWith(layer({ DOCKER_CONTEXT: "secure" }), ping)).toMatchObject({ status: 200 })

    const strange = await writeContext("strange", { Host: host(), SkipTLSVerify: false })
    await strange.certificates(files(others))
    expect(await failureWith(layer({ DOCKER_CONTEXT: "strange" }), ping)).toMatchObject({
      _tag: "EngineUnavailable",
      reason: "PermissionDenied"
    })
    const trusting = await writeContext("trusting", { Host: host(), SkipTLSVerify: true })
    await trusting.certificates(files(others))
    expect(await runWith(layer({ DOCKER_CONTEXT: "trusting" }), ping)).toMatchObject({ status: 200 })
  })
})
