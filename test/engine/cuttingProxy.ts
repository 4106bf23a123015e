import { mkdtemp, rm } from "node:fs/promises"
import { connect, createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connectionOf } from "./engineRequest.js"

/** How a `CuttingProxy` is made. */
export interface CuttingProxyOptions {
  /** Listen on a port of 127.0.0.1 instead of a socket file. */
  readonly tcp?: boolean
  /**
   * Asked for each request (`GET /containers/x/logs?...`): how many bytes of its answer, headers included, pass before
   * the connection is cut; `undefined` for all.
   */
  readonly cutAfter?: (request: string) => number | undefined
  /** Asked for each request: it goes on to the engine when this resolves, also when who asked has gone. */
  readonly hold?: (request: string) => Promise<unknown> | undefined
}

/** Stands before an engine: counts connections, and cuts them where it is told to. */
export interface CuttingProxy {
  readonly endpoint: string
  /** Every request so far, as method and path. */
  readonly requests: ReadonlyArray<string>
  /** The last requests of the connections that are open now. */
  readonly openRequests: () => ReadonlyArray<string>
  /** Connections that are open now. */
  readonly open: () => number
  /** Connections cut so far because of `cutAfter`. */
  readonly cuts: () => number
  /** Bytes of answers that have passed. */
  readonly passed: () => number
  /** Cuts every connection now. */
  readonly cutAll: () => void
  /** Cuts every connection and listens no longer. */
  readonly close: () => Promise<void>
}

const requestLine = /^([A-Z]+ \S+) HTTP\/1\.1\r\n/

/** Starts a proxy before the engine at `target`. */
export const startCuttingProxy = async (target: string, options: CuttingProxyOptions = {}): Promise<CuttingProxy> => {
  const folder = await mkdtemp(join(tmpdir(), "dockwire-proxy-"))
  const place = connectionOf(target)
  const requests: Array<string> = []
  const clients = new Set<Socket>()
  const current = new Map<Socket, string>()
  let cuts = 0
  let passed = 0
  const server = createServer((client) => {
    clients.add(client)
    const engine = "socketPath" in place ? connect(place.socketPath) : connect(place.port, place.host)
    let left: number | undefined
    client.on("data", (bytes: Buffer) => {
      const request = requestLine.exec(bytes.toString("latin1", 0, 2_000))?.[1]
      if (request !== undefined) {
        requests.push(request)
        current.set(client, request)
        left = options.cutAfter?.(request)
        const held = options.hold?.(request)
        if (held !== undefined) {
          client.pause()
          void held.then(() => {
            engine.write(bytes)
            client.resume()
          })
          return
        }
      }
      if (!engine.write(bytes)) client.pause()
    })
    engine.on("data", (bytes: Buffer) => {
      if (client.writableEnded) return
      if (left !== undefined && bytes.length >= left) {
        cuts++
        client.end(bytes.subarray(0, left))
        engine.destroy()
        return
      }
      if (left !== undefined) left -= bytes.length
      passed += bytes.length
      if (!client.write(bytes)) engine.pause()
    })
    engine.on("drain", () => client.resume())
    client.on("drain", () => engine.resume())
    // What the one side does, the other side sees.
    engine.on("end", () => client.end())
    client.on("end", () => engine.end())
    engine.on("error", () => client.destroy())
    client.on("error", () => engine.destroy())
    engine.on("close", () => client.end())
    client.on("close", () => {
      clients.delete(client)
      current.delete(client)
      engine.destroy()
    })
  })
  const socketPath = join(folder, "docker.sock")
  await new Promise<void>((resolve, reject) => {
    server.on("error", reject)
    if (options.tcp === true) server.listen(0, "127.0.0.1", resolve)
    else server.listen(socketPath, resolve)
  })
  const address = server.address()
  const cutAll = () => {
    for (const client of clients) client.destroy()
  }
  return {
    endpoint:
      typeof address === "object" && address !== null ? `tcp://127.0.0.1:${address.port}` : `unix://${socketPath}`,
    requests,
    openRequests: () => [...current.values()],
    open: () => clients.size,
    cuts: () => cuts,
    passed: () => passed,
    cutAll,
    close: async () => {
      cutAll()
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true, force: true })
    }
  }
}
