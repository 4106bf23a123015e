import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { connect, createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { joinSockets } from "./joinSockets.js"

/** A port of this machine's loopback that is open in another network namespace as well. */
export interface LoopbackForwarder {
  readonly stop: () => Promise<void>
}

/** Runs in the other namespace, where a socket file leads back to this one. */
const inside = `
const { connect, createServer } = require("node:net")
const [port, path] = process.argv.slice(1)
createServer({ allowHalfOpen: true }, (outer) => {
  const inner = connect({ path, allowHalfOpen: true })
  for (const [socket, other] of [[outer, inner], [inner, outer]]) {
    socket.on("error", () => other.destroy())
    socket.on("close", () => other.destroy())
    socket.pipe(other)
  }
}).listen(Number(port), "127.0.0.1", () => console.log("listening"))
`

/**
 * Opens a port of the loopback in the network namespace of this file, and passes connections on to the same port here. So an
 * engine with a namespace of its own reaches a registry of the tests under the same name. Ends with this process.
 */
export const startLoopbackForwarder = async (network: string, port: number): Promise<LoopbackForwarder> => {
  const folder = await mkdtemp(join(tmpdir(), "dockwire-loopback-"))
  const path = join(folder, "socket")
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (outer) => {
    joinSockets(outer, connect({ port, host: "127.0.0.1", allowHalfOpen: true }), open)
  }).listen(path)
  await once(server, "listening")
  const words = ["--pdeathsig=KILL", "nsenter", `--net=${network}`, process.execPath, "-e", inside, String(port), path]
  const child = spawn("setpriv", words, { stdio: ["ignore", "pipe", "inherit"] })
  const ended = once(child, "close")
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL")
    await ended
    const closed = once(server, "close")
    server.close()
    for (const socket of open) socket.destroy()
    await closed
    await rm(folder, { recursive: true, force: true })
  }
  const started = await Promise.race([once(child.stdout, "data").then(() => true), ended.then(() => false)])
  if (started) return { stop }
  await stop()
  throw new Error(`Port ${port} can't be opened in the network namespace ${network}.`)
}
