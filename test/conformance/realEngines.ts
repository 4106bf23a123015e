import type { DockerOptions } from "@dockwire/core"
import { Redacted } from "effect"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { packagesUnavailable } from "../engine/debianPackages.js"
import { composeEnvironment, obtainCompose } from "../engine/composeEditions.js"
import { type EditionEngineName, startEditionEngine } from "../engine/editionEngine.js"
import { connectionOf, engineCall, jsonAt } from "../engine/engineRequest.js"
import { startPodmanEngine } from "../engine/podmanEngine.js"
import { testEngine } from "../engine/realEngine.js"
import { startTestSshServer } from "../engine/testSshServer.js"
import { startTlsEngine } from "../engine/tlsEngine.js"
import { type Edition, editionOf, type EngineName } from "./engineName.js"
import { startLoopbackForwarder } from "../engine/loopbackForwarder.js"
import { startRegistryFront } from "../engine/registryFront.js"
import type { Address } from "./engineGate.js"

/** A real engine to run the table against. */
export interface RealEngine {
  /** Its name and versions: `Docker 26.1.5, API 1.45`. */
  readonly version: string
  readonly edition: Edition
  /** The address it listens on. */
  readonly target: Address
  /** The options that connect to it at that address, or at the address of a gate. */
  readonly way: (address: Address) => DockerOptions
  /** A registry that it reaches, as `host:port`. */
  readonly registry: string
  /** The variables with which `docker compose` is the edition that belongs to the engine. It is fetched on first use. */
  readonly composeEnvironment: () => Promise<Readonly<Record<string, string>>>
  readonly stop: () => Promise<void>
}

const plain = (address: Address): DockerOptions => ({
  endpoint: "socketPath" in address ? `unix://${address.socketPath}` : `tcp://${address.host}:${address.port}`
})

const described = async (endpoint: string): Promise<Pick<RealEngine, "edition" | "version">> => {
  const { json } = await engineCall(endpoint, "GET", "/version")
  const version = String(jsonAt(json, "Version"))
  const isPodman = jsonAt(json, "Components", 0, "Name") === "Podman Engine"
  const { json: info } = await engineCall(endpoint, "GET", "/info")
  const inContainerd = jsonAt(info, "DriverStatus", 0, 1) === "io.containerd.snapshotter.v1"
  const number = /^\d+\.\d+\.\d+/.exec(version)?.[0] ?? version
  return {
    edition: editionOf(version, isPodman, inContainerd),
    version: `${isPodman ? "Podman" : "Docker"} ${number}, API ${String(jsonAt(json, "ApiVersion"))}`
  }
}

const loopback = (port: number): Address => ({ host: "127.0.0.1", port })
const portOf = (address: Address): string => ("port" in address ? String(address.port) : "")

/** An engine without its registry. */
type BareEngine = Omit<RealEngine, "composeEnvironment" | "registry"> & {
  /** The file of its network namespace, if it has one of its own. */
  readonly network?: string
}

/** Puts its own ssh command into `PATH` until it is stopped. */
const overSsh = async (): Promise<BareEngine> => {
  const { endpoint } = testEngine()
  const server = await startTestSshServer(endpoint)
  const path = process.env["PATH"] ?? ""
  process.env["PATH"] = [server.path, path].join(delimiter)
  return {
    ...(await described(endpoint)),
    target: loopback(server.port),
    way: (address) => ({ endpoint: `ssh://${server.user}@127.0.0.1:${portOf(address)}` }),
    stop: async () => {
      process.env["PATH"] = path
      await server.stop()
    }
  }
}

const overTls = async (): Promise<BareEngine> => {
  const engine = await startTlsEngine()
  const { ca, client } = engine.certificates
  return {
    ...(await described(engine.endpoint)),
    target: loopback(engine.port),
    way: (address) => ({
      endpoint: `tcp://127.0.0.1:${portOf(address)}`,
      tls: { ca, cert: client.cert, key: Redacted.make(client.key) }
    }),
    network: engine.network,
    stop: engine.dispose
  }
}

const atSocket = async (endpoint: string, stop: () => Promise<void>, network?: string): Promise<BareEngine> => ({
  ...(await described(endpoint)),
  target: connectionOf(endpoint),
  way: plain,
  stop,
  ...(network === undefined ? {} : { network })
})

const ofEdition = async (name: EditionEngineName): Promise<BareEngine> => {
  const engine = await startEditionEngine(name, console.log)
  const real = await atSocket(engine.endpoint, engine.dispose, engine.network)
  if (real.edition === name && real.version.startsWith(`Docker ${name.replace("-containerd", "")}.`)) return real
  await engine.dispose()
  throw new Error(`Debian now packages ${real.version} instead of ${name}. Update test/engine/dockerEditions.ts.`)
}

const startBareEngine = async (
  name: Exclude<EngineName, "memory">,
  registries: ReadonlyArray<string>
): Promise<BareEngine> => {
  switch (name) {
    case "usual":
      return atSocket(testEngine().endpoint, () => Promise.resolve())
    case "tls":
      return overTls()
    case "ssh":
      return overSsh()
    case "podman": {
      const { dispose, endpoint, network } = await startPodmanEngine(console.log, { insecureRegistries: registries })
      return atSocket(endpoint, dispose, network)
    }
    default:
      return ofEdition(name)
  }
}

/** The compose that belongs to an engine: the newest for a new one. */
const composeOf = (edition: Edition) => {
  let found: Promise<{ readonly home: string; readonly variables: Readonly<Record<string, string>> }> | undefined
  const find = async () => {
    const home = await mkdtemp(join(tmpdir(), "dockwire-compose-"))
    // The compose of this machine is found without any.
    if ((await packagesUnavailable()) !== undefined) return { home, variables: {} }
    const tools = await obtainCompose(edition.startsWith("28.5") ? "2.40" : "2.26", console.log)
    return { home, variables: await composeEnvironment(tools, join(home, "home")) }
  }
  return {
    environment: async () => (await (found ??= find())).variables,
    remove: async () => {
      if (found !== undefined) await rm((await found).home, { recursive: true, force: true })
    }
  }
}

/** Starts an engine, or finds the one that is running. It reaches these registries of the loopback besides its own. */
export const startRealEngine = async (
  name: Exclude<EngineName, "memory">,
  registries: ReadonlyArray<string> = []
): Promise<RealEngine> => {
  const own = await startRegistryFront()
  const all = [own.host, ...registries]
  const engine = await startBareEngine(name, all)
  const { network, stop, ...bare } = engine
  const ports = all.map((host) => Number(host.slice(host.indexOf(":") + 1)))
  const forwarders =
    network === undefined ? [] : await Promise.all(ports.map((port) => startLoopbackForwarder(network, port)))
  const compose = composeOf(bare.edition)
  return {
    ...bare,
    registry: own.host,
    composeEnvironment: compose.environment,
    stop: async () => {
      await compose.remove()
      await Promise.all(forwarders.map((forwarder) => forwarder.stop()))
      await stop()
      await own.stop()
    }
  }
}
