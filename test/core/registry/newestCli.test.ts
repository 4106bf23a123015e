import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Redacted from "effect/Redacted"
import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest"
import { registryAuthHeader } from "../../../packages/core/src/internal/registry/authHeader.js"
import { parseImageReference } from "../../../packages/core/src/internal/registry/imageReference.js"
import { obtainNewestCli } from "../../engine/dockerEditions.js"
import { describeKillableEngine } from "../../engine/realEngine.js"
import { isWhole } from "../../whole/isWhole.js"
import { runWith } from "../runWith.js"
import {
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
import { configuredAuth, find } from "./findCredentials.js"
import {
  type ConfigurationFolder,
  makeConfigurationFolder,
  type RecordingEngine,
  startRecordingEngine
} from "./recordingEngine.js"

const run = promisify(execFile)

/** A row with a value of DOCKER_AUTH_CONFIG: text, or JSON. */
interface VariableRow extends CredentialRow {
  readonly variable: unknown
}

const inVariable = { auths: { [registry]: entry("env:x") } }
const fromVariable = { username: "env", password: "x" }
const ignored = (variable: unknown): VariableRow => ({ variable, config: keyed(registry), sent: user })

/** What the docker command does with DOCKER_AUTH_CONFIG. */
const variableRows: Readonly<Record<string, VariableRow>> = {
  "before auths": { variable: inVariable, config: keyed(registry), sent: fromVariable },
  "before a helper": { variable: inVariable, config: { credHelpers: { [registry]: "a" } }, sent: fromVariable },
  "before a store": { variable: inVariable, config: { credsStore: "a" }, sent: fromVariable },
  "before a broken file": { variable: inVariable, config: "{", sent: fromVariable },
  "without a file": { variable: inVariable, sent: fromVariable },
  "for another registry": {
    variable: { auths: { "other.test": entry("env:x") } },
    config: { credsStore: "a" },
    sent: { username: "of-a", password: "s3cret" },
    calls: [`a get ${registry}`]
  },
  "for Docker Hub": { variable: { auths: { [hub]: entry("env:x") } }, image: "busybox", sent: fromVariable },
  "for Docker Hub as docker.io": {
    variable: { auths: { "docker.io": entry("env:x") } },
    image: "busybox",
    config: keyed(hub),
    sent: user
  },
  ...Object.fromEntries(
    [`https://${registry}`, `${registry}/team`, `${registry}/v2/`, "r.test"].map((key) => [
      `with the key ${key}`,
      ignored({ auths: { [key]: entry("env:x") } })
    ])
  ),
  "that is not JSON": ignored("{"),
  "with more than one value": ignored(`${JSON.stringify(inVariable)} {}`),
  "with an array": ignored("[]"),
  "with another field": ignored({ ...inVariable, credsStore: "a" }),
  "with an entry without auth": ignored({ auths: { ...inVariable.auths, x: {} } }),
  "with an entry that is null": ignored({ auths: { ...inVariable.auths, x: null } }),
  "with an entry with more": ignored({ auths: { [registry]: { ...entry("env:x"), username: "u" } } }),
  "with an entry that is not base64": ignored({ auths: { [registry]: { auth: "!" } } }),
  ...Object.fromEntries(
    ["", " ", "null", "{}", '{"auths":null}'].map((text) => [`of ${JSON.stringify(text)}`, ignored(text)])
  )
}

describeKillableEngine("the credentials that docker 28.5 sends", () => {
  let docker = ""
  let folder: ConfigurationFolder
  let engine: RecordingEngine
  beforeAll(async () => {
    docker = await obtainNewestCli(console.log)
    folder = await makeConfigurationFolder()
    engine = await startRecordingEngine(folder.path)
  }, 300_000)
  afterAll(async () => {
    await engine?.stop()
    vi.unstubAllEnvs()
    await folder?.remove()
  })
  beforeEach(() => resetFolder(folder))

  const rows: Readonly<Record<string, CredentialRow & Partial<VariableRow>>> = {
    ...credentialRows,
    ...Object.fromEntries(Object.entries(variableRows).map(([name, row]) => [`DOCKER_AUTH_CONFIG ${name}`, row]))
  }
  // Without the variable, it is to do what the usual docker command does, which dockerConfig.test.ts asks.
  const asked = Object.entries(rows).filter(
    ([, { variable }], index) => isWhole || variable !== undefined || index % 4 === 0
  )
  it.each(asked)("are found: %s", async (_, row) => {
    const { calls = [], sent, variable } = row
    await writeRow(folder, row)
    const text = typeof variable === "string" ? variable : JSON.stringify(variable)
    const environment = { DOCKER_CONFIG: folder.path, ...(variable === undefined ? {} : { DOCKER_AUTH_CONFIG: text }) }
    const named = row.image ?? image
    await folder.takeCalls()
    engine.takePulls()
    await run(docker, ["pull", named], {
      env: { PATH: process.env["PATH"], ...environment, DOCKER_HOST: engine.endpoint }
    })
    expect(engine.takePulls().map(({ auth }) => sentCredentials(auth))).toStrictEqual([sent])
    expect(await folder.takeCalls()).toStrictEqual(calls)
    const { registry } = await Effect.runPromise(parseImageReference(named))
    const quiet = Logger.withMinimumLogLevel(find(registry), LogLevel.None)
    const found = await runWith(configuredAuth(environment), quiet)
    expect(sentCredentials(Redacted.value(registryAuthHeader(found, registry)))).toStrictEqual(sent)
    expect(await folder.takeCalls()).toStrictEqual(calls)
  })
})
