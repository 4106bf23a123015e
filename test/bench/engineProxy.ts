import { mkdtemp, rm } from "node:fs/promises"
import { connect, createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connectionOf } from "../engine/engineRequest.js"

/** A proxy in front of the engine that counts the connections that follow a log. */
export interface EngineProxy {
  readonly endpoint: string
  /** Connections that currently follow a log. */
  readonly followed: () => number
  readonly close: () => Promise<void>
}

/** Opens the proxy. It copies bytes, so use it for counting, not for measuring. */
export const openEngineProxy = async (endpoint: string): Promise<EngineProxy> => {
  const folder = await mkdtemp(join(tmpdir(), "dockwire-proxy-"))
  const path = join(folder, "docker.sock")
  const target = connectionOf(endpoint)
  const sockets = new Set<Socket>()
  const following = new Set<Socket>()
  const server = createServer((client) => {
    const engine = connect("socketPath" in target ? { path: target.socketPath } : target)
    const end = () => {
      sockets.delete(client)
      following.delete(client)
      client.destroy()
      engine.destroy()
    }
    sockets.add(client)
    for (const socket of [client, engine]) socket.on("error", end).on("close", end)
    client.on("data", (chunk) => {
      const line = chunk.toString("latin1").split("\r\n", 1)[0] ?? ""
      if (/^GET \S*\/containers\/[^/]+\/logs\?/.test(line) && /[?&]follow=(true|1)\b/.test(line)) following.add(client)
    })
    client.pipe(engine)
    engine.pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return {
    endpoint: `unix://${path}`,
    followed: () => following.size,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
      await rm(folder, { recursive: true, force: true })
    }
  }
}
