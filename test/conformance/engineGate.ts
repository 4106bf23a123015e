import { randomBytes } from "node:crypto"
import { rm } from "node:fs/promises"
import { connect, createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** The address of a server. */
export type Address = { readonly socketPath: string } | { readonly host: string; readonly port: number }

/** A proxy in front of an engine that can stop forwarding. */
export interface EngineGate {
  readonly address: Address
  /** Stops forwarding requests. */
  readonly stall: () => void
  /** Whether a request has arrived since `stall`. */
  readonly held: () => boolean
  /** Breaks the connections and stops listening. */
  readonly close: () => Promise<void>
}

/** Opens a gate in front of an engine: a socket if the engine has one, otherwise a port. */
export const openEngineGate = async (target: Address): Promise<EngineGate> => {
  const path = join(tmpdir(), `dockwire-gate-${randomBytes(4).toString("hex")}.sock`)
  const sockets = new Set<Socket>()
  let stalled = false
  let held = false
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const upstream = connect({
      ...("socketPath" in target ? { path: target.socketPath } : target),
      allowHalfOpen: true
    })
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
    if ("socketPath" in target) server.listen(path, resolve)
    else server.listen(0, "127.0.0.1", resolve)
  })
  const listens = server.address()
  return {
    address:
      listens === null || typeof listens === "string"
        ? { socketPath: path }
        : { host: "127.0.0.1", port: listens.port },
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
