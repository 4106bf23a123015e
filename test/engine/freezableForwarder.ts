import { once } from "node:events"
import { connect, createServer, type Socket } from "node:net"

/** A port of this machine that leads to another one, as an ssh tunnel does. */
export interface FreezableForwarder {
  readonly port: number
  /** Stops passing bytes, as a network does that drops packets: nobody is told. */
  readonly freeze: () => void
  /** Passes bytes again, on the connections that are still open and on new ones. */
  readonly thaw: () => void
  /** Breaks the connections that are open. */
  readonly cut: () => void
  readonly stop: () => Promise<void>
}

/** Forwards connections to `host:port`. */
export const startFreezableForwarder = async (port: number, host = "127.0.0.1"): Promise<FreezableForwarder> => {
  const open = new Set<Socket>()
  let isFrozen = false
  const add = (from: Socket, to: Socket) => {
    open.add(from)
    if (isFrozen) from.pause()
    from.on("data", (bytes: Buffer) => to.write(bytes))
    from.on("error", () => to.destroy())
    from.on("close", () => {
      open.delete(from)
      to.destroy()
    })
  }
  const server = createServer((outer) => {
    const inner = connect(port, host)
    add(outer, inner)
    add(inner, outer)
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("The forwarder does not listen on a port.")
  const cut = () => {
    for (const socket of open) socket.destroy()
  }
  return {
    port: address.port,
    cut,
    freeze: () => {
      isFrozen = true
      for (const socket of open) socket.pause()
    },
    thaw: () => {
      isFrozen = false
      for (const socket of open) socket.resume()
    },
    stop: async () => {
      const closed = once(server, "close")
      server.close()
      cut()
      await closed
    }
  }
}
