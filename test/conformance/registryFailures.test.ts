import * as Redacted from "effect/Redacted"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { removeImage } from "../core/build/builtFiles.js"
import { runBuild } from "../core/build/runBuild.js"
import type { RegistryFault, RegistryFront } from "../engine/registryFront.js"
import { registryImage, registryIndex } from "../engine/registryImage.js"
import { describeEngine, describeKillableEngine } from "../engine/realEngine.js"
import { uniqueName } from "../engine/testContainer.js"
import { retriesOn } from "./differences.js"
import { isEngineName } from "./engineName.js"
import { settings } from "./outcomes.js"
import { type RealEngine, startRealEngine } from "./realEngines.js"
import { failedOperation } from "./registry/failedOperation.js"
import { type FailingCell, failingCells, type FailingRow } from "./registry/failingRows.js"
import { putImage, type Registries, registryUser, startRegistries } from "./registry/registries.js"

/** Milliseconds in which an engine loses a session that does not answer. */
const late = 15_000

const wanted = process.env[settings.engines]?.split(",") ?? ["usual"]
const isWhole = process.env[settings.engines] !== undefined

let registries: Registries
beforeAll(async () => {
  registries = await startRegistries()
})
afterAll(() => registries?.stop())

/** Prepares the registry of a row. Returns its name, and that of the image. */
const prepared = async ({ at, faults, isIndex, isMissing, layer }: FailingRow) => {
  const repository = uniqueName("failing")
  if (typeof at === "object") return { host: at.host, image: `${at.host}/${repository}:1` }
  if (at === "htpasswd") return { host: registries.htpasswd.host, image: `${registries.htpasswd.host}/${repository}:1` }
  const front = registries.fronts[at]
  const image = registryImage({ layers: [layer ?? 1_000] })
  if (at === "real") await putImage(front.host, repository, "1", image)
  else front.add(repository, "1", image)
  if (isIndex === true) front.add(repository, "1", registryIndex({ "linux/amd64": image }))
  if (faults !== undefined) front.break(repository, ...faults)
  return { host: front.host, image: `${front.host}/${repository}:${isMissing === true ? "2" : "1"}` }
}

const credentialsOf = ({ credentials }: Pick<FailingRow, "credentials">, host: string) =>
  credentials === undefined
    ? {}
    : {
        [host]: {
          username: registryUser.username,
          password: Redacted.make(credentials === "right" ? registryUser.password : "pass-of-nobody")
        }
      }

const endpointOf = ({ target, way }: RealEngine): string => {
  const { endpoint } = way(target)
  if (endpoint === undefined) throw new Error("the engine has no endpoint")
  return endpoint
}

/** Runs a cell. */
const run = async (engine: RealEngine, { expectedOn, row, way }: FailingCell): Promise<void> => {
  const { host, image } = await prepared(row)
  const { platform, stallTimeout = "400 seconds" } = row
  const expected = expectedOn(engine.edition)
  const ended = await failedOperation({
    endpoint: endpointOf(engine),
    way,
    image,
    tag: `${uniqueName("built")}:1`,
    credentials: credentialsOf(row, host),
    ...(platform === undefined ? {} : { platform }),
    stallTimeout,
    patience: expected === "waits" ? "3 seconds" : "400 seconds"
  })
  expect(ended.last.map(({ _tag }) => _tag)).toEqual([
    expected === "waits" ? "OperationInterrupted" : "OperationFailed"
  ])
  expect(ended.listed).toEqual(row.isListed === true ? [image] : [])
  if (expected === "waits") return expect(ended.error).toBeUndefined()
  const credentials = row.credentials === undefined ? "none" : "RegistryAuth.layer"
  expect(ended.error).toMatchObject(
    expected === "ImageNotFound"
      ? { _tag: "ImageNotFound", image, registry: host }
      : { _tag: "RegistryError", reason: expected, image, registry: host, credentials }
  )
  expect(`${ended.shown}${String(ended.error)}${JSON.stringify(ended.error)}`).not.toContain("pass-of")
}

const cells = isWhole ? failingCells : failingCells.filter(({ row, way }) => row.isQuick === true && way !== "push")

/** A base image for which credentials are needed only when the build has been running for long. */
interface LateBase {
  readonly front: RegistryFront
  readonly fault: RegistryFault
  /** How many tokens the engine asks for at least. */
  readonly tokens: number
}

const lateBases: Readonly<Record<string, () => LateBase>> = {
  "is challenged late": () => ({
    front: registries.fronts.bearer,
    fault: { kind: "delay", on: "manifest", milliseconds: late },
    tokens: 1
  }),
  "needs another token late": () => ({
    front: registries.fronts.shortTokens,
    fault: { kind: "delay", on: "blob", milliseconds: late },
    tokens: 2
  })
}

const runLateBase = async (engine: RealEngine, { fault, front, tokens }: LateBase) => {
  const repository = uniqueName("late")
  front.add(repository, "1", registryImage({ layers: [10_000] }))
  front.break(repository, fault)
  const base = `${front.host}/${repository}:1`
  const tag = `${uniqueName("late")}:1`
  const start = performance.now()
  const built = await runBuild(
    {
      dockerfile: { text: `FROM busybox AS first\nRUN sleep 15\nFROM ${base}\nCOPY --from=first /bin/sh /sh\n` },
      tags: [tag],
      noCache: true
    },
    { endpoint: endpointOf(engine), credentials: credentialsOf({ credentials: "right" }, front.host) }
  )
  for (const image of [tag, base]) await removeImage(endpointOf(engine), image)
  // Podman keeps a token for a minute, also if the registry no longer accepts it.
  if (engine.edition === "podman" && tokens > 1) {
    const failure = { _tag: "RegistryError", reason: "Unauthorized", image: base, registry: front.host }
    return expect(built.failure()).toMatchObject(failure)
  }
  expect(built.image().tags).toEqual([tag])
  expect(performance.now() - start).toBeGreaterThan(late)
  const asked = front.requests.filter(
    ({ form, part, path }) => part === "token" && decodeURIComponent(path + form).includes(repository)
  )
  expect(asked.length).toBeGreaterThanOrEqual(tokens)
}

const runTable = (name: string, engineName: Parameters<typeof startRealEngine>[0]) => {
  const body = () => {
    let engine: RealEngine | undefined
    beforeAll(async () => {
      const hosts = [...Object.values(registries.fronts), registries.htpasswd].map(({ host }) => host)
      engine = await startRealEngine(engineName, hosts)
    }, 300_000)
    afterAll(() => engine?.stop())
    for (const cell of cells) {
      it.concurrent(`${cell.way}: ${cell.name}`, { timeout: 480_000, retry: retriesOn(engineName) }, () => {
        if (engine === undefined) throw new Error("The engine is not ready.")
        return run(engine, cell)
      })
    }
    if (!isWhole) return
    for (const [name, base] of Object.entries(lateBases)) {
      it.concurrent(`a base image that ${name}`, { timeout: 240_000 }, () => {
        if (engine === undefined) throw new Error("The engine is not ready.")
        return runLateBase(engine, base())
      })
    }
  }
  // An engine that was asked for must be there.
  if (isWhole) describe(name, body)
  else if (engineName === "usual") describeEngine(name, body)
  else describeKillableEngine(name, body)
}

for (const name of wanted.filter(isEngineName)) {
  // Those left out are the usual engine, or none that has registries.
  if (name !== "memory" && name !== "ssh" && name !== "tls") runTable(`failures of registries on ${name}`, name)
}
