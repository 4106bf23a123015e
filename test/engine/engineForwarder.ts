import { once } from "node:events"
import { connect, createServer, type Server, type Socket } from "node:net"
import { createServer as createTlsServer, type TlsOptions } from "node:tls"
import { connectionOf } from "./engineRequest.js"
import { joinSockets } from "./joinSockets.js"

/** A door to an engine on a port of this machine. */
export interface EngineForwarder {
  readonly port: number
  /** How many connections it has taken. */
  readonly connections: () => number
  /** Cuts what goes through it and closes the port. */
  readonly stop: () => Promise<void>
}

/** What listening on a port came to. */
const portOf = (server: Server): number => {
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("The server does not listen on a port.")
  return address.port
}

/**
 * Passes connections to a port of the loopback on to an engine, over TLS with `tls`. A side that has said all that it has
 * to say goes on hearing the other.
 */
export const startEngineForwarder = async (
  endpoint: string,
  options: { readonly tls?: TlsOptions; readonly host?: string; readonly port?: number } = {}
): Promise<EngineForwarder> => {
  const open = new Set<Socket>()
  let taken = 0
  const connection = connectionOf(endpoint)
  const target = "socketPath" in connection ? { path: connection.socketPath } : connection
  const pass = (outer: Socket) => {
    taken += 1
    joinSockets(outer, connect({ ...target, allowHalfOpen: true }), open)
  }
  const server =
    options.tls === undefined
      ? createServer({ allowHalfOpen: true }, pass)
      : createTlsServer({ ...options.tls, allowHalfOpen: true }, pass)
  // Those too that never come to speak TLS.
  server.on("connection", (socket: Socket) => {
    open.add(socket)
    socket.on("error", () => {})
    socket.on("close", () => open.delete(socket))
  })
  server.on("tlsClientError", () => {})
  server.listen(options.port ?? 0, options.host ?? "127.0.0.1")
  await once(server, "listening")
  return {
    port: portOf(server),
    connections: () => taken,
    stop: async () => {
      const closed = once(server, "close")
      server.close()
      for (const socket of open) socket.destroy()
      await closed
    }
  }
}
