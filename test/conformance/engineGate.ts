import { randomBytes } from "node:crypto"
import { rm } from "node:fs/promises"
import { connect, createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connectionOf } from "../engine/engineRequest.js"

/** A way to an engine that can be shut. */
export interface EngineGate {
  readonly endpoint: string
  /** From now on requests come to nobody; resolves never by itself. */
  readonly stall: () => void
  /** Whether a request has come since. */
  readonly held: () => boolean
  /** Breaks the connections and leaves no socket behind. */
  readonly close: () => Promise<void>
}

/** Opens a way to an engine. */
export const openEngineGate = async (endpoint: string): Promise<EngineGate> => {
  const path = join(tmpdir(), `dockwire-gate-${randomBytes(4).toString("hex")}.sock`)
  const sockets = new Set<Socket>()
  const target = connectionOf(endpoint)
  let stalled = false
  let held = false
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const upstream =
      "socketPath" in target
        ? connect({ path: target.socketPath, allowHalfOpen: true })
        : connect({ ...target, allowHalfOpen: true })
    for (const one of [socket, upstream]) {
      sockets.add(one)
      one.on("error", () => one.destroy())
      one.on("close", () => sockets.delete(one))
    }
    socket.on("data", (bytes) => {
      if (stalled) held = true
      else upstream.write(bytes)
    })
    socket.on("end", () => upstream.end())
    socket.on("close", () => upstream.destroy())
    upstream.on("close", () => socket.destroy())
    upstream.pipe(socket)
  })
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(path, resolve)
  })
  return {
    endpoint: `unix://${path}`,
    stall: () => {
      stalled = true
    },
    held: () => held,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
      await rm(path, { force: true })
    }
  }
}
