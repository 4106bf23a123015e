import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { packagesUnavailable } from "./debianPackages.js"
import { obtainBinaries } from "./engineBinaries.js"
import { freePort } from "./freePort.js"

/** A registry on this machine's loopback, plain HTTP (which engines allow there), empty at its start. */
export interface TestRegistry {
  /** What stands before the repository in an image's name: `127.0.0.1:port`. */
  readonly host: string
  /** Set when it is private. */
  readonly credentials: { readonly username: string; readonly password: string } | undefined
  /** The value of `X-Registry-Auth` with which the engine may push and pull. */
  readonly authHeader: string
  readonly stop: () => Promise<void>
}

const username = "dockwire"
const password = "harbour"
const passwordHash = "$2b$05$Kq0vX3mZ1sT8bYwR4eLuHOY8dt45kJ1grFL47ROSsM88ZHDkpSbWy"

/** Why no registry can be had here, `undefined` when one can. */
export const registryUnavailable = packagesUnavailable

/**
 * Starts a registry; with `isPrivate` it wants `credentials`. It ends with this process at the latest. An engine in
 * another network namespace (a killable one) or in a virtual machine does not reach it.
 */
export const startTestRegistry = async (options: { readonly isPrivate?: boolean } = {}): Promise<TestRegistry> => {
  const unavailable = await registryUnavailable()
  if (unavailable !== undefined) throw new Error(`The tests can't start a registry: ${unavailable}.`)
  const binaries = await obtainBinaries()
  const folder = await mkdtemp(join(tmpdir(), "dockwire-registry-"))
  const host = `127.0.0.1:${await freePort()}`
  const htpasswd = join(folder, "htpasswd")
  await writeFile(htpasswd, `${username}:${passwordHash}\n`)
  const config = {
    version: "0.1",
    log: { level: "error", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, "data") }, delete: { enabled: true } },
    http: { addr: host, secret: "of the tests" },
    ...(options.isPrivate === true ? { auth: { htpasswd: { realm: "tests", path: htpasswd } } } : {})
  }
  // YAML reads JSON.
  await writeFile(join(folder, "config.yml"), JSON.stringify(config))
  const server = spawn("setpriv", ["--pdeathsig=KILL", binaries.registry, "serve", join(folder, "config.yml")], {
    stdio: "ignore",
    env: { PATH: binaries.path, OTEL_TRACES_EXPORTER: "none" }
  })
  const ended = once(server, "close")
  const stop = async (): Promise<void> => {
    server.kill("SIGKILL")
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  for (const end = Date.now() + 20_000; ; await sleep(50)) {
    const status = await fetch(`http://${host}/v2/`).then(
      (answer) => answer.status,
      () => 0
    )
    if (status === 200 || status === 401) break
    if (server.exitCode !== null || Date.now() > end) {
      await stop()
      throw new Error(`The registry at ${host} did not start.`)
    }
  }
  const credentials = options.isPrivate === true ? { username, password } : undefined
  // With its padding: the engine ignores what it cannot decode.
  const encoded = Buffer.from(JSON.stringify({ ...credentials, serveraddress: host })).toString("base64url")
  const authHeader = encoded.padEnd(Math.ceil(encoded.length / 4) * 4, "=")
  return { host, credentials, authHeader, stop }
}
