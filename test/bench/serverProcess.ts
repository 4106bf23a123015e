import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

/** The built server in a separate process. */
export interface ServerProcess {
  /** `ws://host:port/ws`. */
  readonly wsUrl: string
  readonly token: string
  /** Its current memory in MB. */
  readonly memoryMb: () => number
  /** Its CPU time so far, in seconds. */
  readonly cpuSeconds: () => number
  readonly stop: () => Promise<void>
}

/** Starts `dockwire serve` for an engine and waits until it listens. */
export const startServer = async (endpoint: string): Promise<ServerProcess> => {
  const dataDir = await mkdtemp(join(tmpdir(), "dockwire-bench-"))
  const main = fileURLToPath(new URL("../../packages/server/dist/bin/dockwire.js", import.meta.url))
  const token = randomBytes(24).toString("hex")
  const child = spawn(
    process.execPath,
    [main, "serve", "--port", "0", "--docker-host", endpoint, "--data-dir", dataDir],
    { env: { ...process.env, DOCKWIRE_TOKEN: token }, stdio: ["ignore", "pipe", "pipe"] }
  )
  const exited = new Promise<void>((resolve) => child.on("close", () => resolve()))
  const stop = async () => {
    child.kill("SIGTERM")
    const hard = setTimeout(() => child.kill("SIGKILL"), 5000)
    await exited
    clearTimeout(hard)
    await rm(dataDir, { recursive: true, force: true })
  }
  const url = await new Promise<string>((resolve, reject) => {
    let output = ""
    const onText = (text: string) => {
      output += text
      const found = /http:\/\/[^\s/]+:\d+/.exec(output)?.[0]
      if (found !== undefined) resolve(found)
    }
    child.stdout.setEncoding("utf8").on("data", onText)
    child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text))
    child.on("close", (code) => reject(new Error(`The server exited with ${code}: ${output.trim()}`)))
    child.on("error", reject)
  }).catch(async (error: unknown) => {
    await rm(dataDir, { recursive: true, force: true })
    throw error
  })
  return {
    wsUrl: `${url.replace("http", "ws")}/ws`,
    token,
    memoryMb: () => {
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8")
      return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024
    },
    cpuSeconds: () => {
      const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
      // In ticks of 10 ms, the unit of /proc on Linux.
      return (Number(fields[11]) + Number(fields[12])) / 100
    },
    stop
  }
}
