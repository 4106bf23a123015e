import { once } from "node:events"
import { createServer as createHttpServer, type Server } from "node:http"
import { createServer, type Server as TcpServer } from "node:net"
import { connect, type ConnectFailure, type Socket, type SocketOptions } from "@dockwire/server/client"
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest"
import { WebSocket, WebSocketServer } from "ws"
import { freePort } from "../engine/freePort.js"
import { type FreezableForwarder, startFreezableForwarder } from "../engine/freezableForwarder.js"
import { type InProcessServer, startInProcess } from "./inProcessServer.js"
import { connectWire } from "./wireClient.js"

let server: InProcessServer
const closing: Array<() => unknown> = []

beforeAll(async () => {
  server = await startInProcess({ endpoint: "unix:///nonexistent/docker.sock", heartbeatInterval: 50 })
})
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})
afterAll(() => server.stop())

const visit = (url: string, options: SocketOptions = {}): Socket => {
  const socket = connect(url, { reconnectDelay: 5, reconnectDelayMax: 20, ...options })
  closing.unshift(() => socket.disconnect())
  return socket
}

/** The first failures of a client that can't connect. */
const failures = async (
  url: string,
  count: number,
  options?: SocketOptions
): Promise<ReadonlyArray<ConnectFailure>> => {
  const found: Array<ConnectFailure> = []
  const socket = visit(url, options)
  const others: Array<string> = []
  for (const event of ["disconnect", "error", "connect"] as const) socket.on(event, () => others.push(event))
  socket.on("connect_error", (failure) => found.push(failure))
  await vi.waitFor(() => expect(found.length).toBeGreaterThanOrEqual(count), { timeout: 10_000, interval: 5 })
  expect(others).toEqual([])
  socket.disconnect()
  return found.slice(0, count)
}

const listen = async (listening: Server | TcpServer): Promise<string> => {
  listening.listen(0, "127.0.0.1")
  await once(listening, "listening")
  closing.push(() => listening.close())
  const address = listening.address()
  return `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`
}

describe("an attempt to connect that fails is reported, with a reason and what to do", () => {
  it("on a wrong port, each time", async () => {
    const at = `127.0.0.1:${await freePort()}`
    const found = await failures(`http://user:secret@${at}`, 3)
    expect(found[0]).toEqual({
      reason: "refused",
      message: `Can't connect to ws://${at}/ws. Nothing listens there: the connection was refused. Check the port, and that Dockwire is running. (connect ECONNREFUSED ${at})`
    })
    expect(found).toEqual([found[0], found[0], found[0]])
  })

  it("on a wrong path", async () => {
    const [found] = await failures(`${server.url}/nowhere`, 1, { token: server.token })
    expect(found).toEqual({
      reason: "http",
      status: 404,
      message: `${server.url.replace("http", "ws")}/nowhere/ws responded with HTTP 404: Not found. The API is described at /openapi.json.`
    })
  })

  it("on a host that the server does not serve, in the server's own words", async () => {
    const forwarder = await forwardTo(server.port)
    const proxy = createHttpServer()
    proxy.on("upgrade", (request, socket) => {
      const upstream = new WebSocket(`ws://127.0.0.1:${forwarder.port}/ws`, ["dockwire.v1"], {
        headers: { host: "logs.test", authorization: request.headers.authorization ?? "" }
      })
      upstream.on("error", () => {})
      upstream.on("unexpected-response", (_, response) => {
        socket.write(
          `HTTP/1.1 ${response.statusCode} Forbidden\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n`
        )
        response.pipe(socket)
      })
    })
    const [refused] = await failures(`http://${await listen(proxy)}`, 1, { token: server.token })
    expect(refused).toMatchObject({
      reason: "http",
      status: 403,
      message: expect.stringContaining("restart Dockwire with --public-origin https://logs.test ")
    })
  })

  it("on a name that does not resolve", async () => {
    const [found] = await failures("http://nowhere.invalid:7070", 1)
    expect(found).toMatchObject({ reason: "dns", message: expect.stringContaining("The host name can't be resolved.") })
  })

  it("on a port of something else", async () => {
    const ssh = createServer((socket) => socket.on("error", () => {}).end("SSH-2.0-OpenSSH_9.2\r\n"))
    expect(await failures(`http://${await listen(ssh)}`, 1)).toMatchObject([{ reason: "not_this_protocol" }])
    const web = createHttpServer((_, response) => response.end("<h1>Hello</h1>"))
    expect(await failures(`http://${await listen(web)}`, 1)).toMatchObject([{ reason: "http", status: 200 }])
    const closer = createServer((socket) => socket.on("error", () => {}).destroy())
    expect(await failures(`http://${await listen(closer)}`, 1)).toMatchObject([{ reason: "closed" }])
    const other = createHttpServer()
    const sockets = new WebSocketServer({ server: other, handleProtocols: () => false })
    closing.push(() => sockets.close())
    expect(await failures(`http://${await listen(other)}`, 1)).toMatchObject([
      { reason: "not_this_protocol", message: expect.stringContaining("What listens there is not a Dockwire server.") }
    ])
  })

  it("on a server that speaks no TLS", async () => {
    expect(await failures(server.url.replace("http:", "https:"), 1)).toMatchObject([
      { reason: "tls", message: expect.stringContaining("whether the server speaks TLS") }
    ])
  })

  it("on a server that never answers", async () => {
    const silent = createServer((socket) => closing.push(() => socket.destroy()))
    expect(await failures(`http://${await listen(silent)}`, 2, { connectTimeout: 50 })).toEqual([
      { reason: "timeout", message: "The server did not answer within 0.05 s." },
      { reason: "timeout", message: "The server did not answer within 0.05 s." }
    ])
  })

  it("on a token that no header can carry", async () => {
    expect(await failures(server.url, 1, { token: "two\nlines" })).toMatchObject([
      { reason: "other", message: expect.stringMatching(/invalid/i) }
    ])
  })

  it("over a WebSocket that tells nothing, by an HTTP request", async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    const withPassword = url.replace("//", "//user:secret@")
    for (const options of [{ WebSocket }, { WebSocket, token: "not-to-be-shown" }]) {
      const [found] = await failures(withPassword, 1, options)
      expect(found).toEqual({ reason: "unreachable", message: `${url}/api/ws-ticket can't be reached: fetch failed.` })
    }
    const noUpgrade = createHttpServer((_, response) => response.end('{"ticket":"abc","expiresIn":30}'))
    noUpgrade.on("upgrade", (_, socket) =>
      socket.on("error", () => {}).end("HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\n\r\n")
    )
    for (const options of [{ WebSocket }, { WebSocket, token: "x" }]) {
      expect(await failures(`http://${await listen(noUpgrade)}`, 1, options)).toMatchObject([
        { reason: "no_websocket", message: expect.stringContaining("If there is a proxy, it must pass WebSockets on") }
      ])
      noUpgrade.close()
    }
    const basic = createHttpServer((_, response) => response.writeHead(401).end("<h1>401</h1>"))
    expect(await failures(`http://${await listen(basic)}`, 2, { WebSocket, token: "x" })).toMatchObject([
      { reason: "http", status: 401 },
      { reason: "http", status: 401 }
    ])
  })
})

const forwardTo = async (port: number): Promise<FreezableForwarder> => {
  const forwarder = await startFreezableForwarder(port)
  closing.push(() => forwarder.stop())
  return forwarder
}

describe("a connection", () => {
  it("gets a heartbeat when it opens and whenever nothing else is sent", async () => {
    const client = await connectWire(server.url, { token: server.token })
    await client.until(() => client.frames() >= 6)
    expect(client.messages).toHaveLength(1)
    await client.close()
  })

  it("that passes no more bytes is given up and resumed in the Node client", async () => {
    const forwarder = await forwardTo(server.port)
    const socket = visit(`http://127.0.0.1:${forwarder.port}`, {
      token: server.token,
      heartbeatTimeout: 300,
      connectTimeout: 100
    })
    const disconnects: Array<{ readonly reason: string; readonly reconnects: boolean }> = []
    const found: Array<ConnectFailure> = []
    socket.on("disconnect", ({ reason, reconnects }) => disconnects.push({ reason, reconnects }))
    socket.on("connect_error", (failure) => found.push(failure))
    await vi.waitFor(() => expect(socket.connected).toBe(true))
    forwarder.freeze()
    const frozen = Date.now()
    await vi.waitFor(() => expect(disconnects).toEqual([{ reason: "No answer for 0.3 s", reconnects: true }]))
    expect(Date.now() - frozen).toBeLessThan(3_000)
    await vi.waitFor(() => expect(found.map(({ reason }) => reason)).toContain("timeout"))
    forwarder.thaw()
    await vi.waitFor(() => expect(socket.connected).toBe(true), { timeout: 5_000 })
  })

  it("to a server behind a proxy that needs the Authorization header carries the token beside it", async () => {
    const seen: Array<unknown> = []
    const proxy = createHttpServer()
    const sockets = new WebSocketServer({ server: proxy, handleProtocols: () => "dockwire.v1" })
    closing.push(() => sockets.close())
    sockets.on("connection", (_, { headers }) => seen.push([headers.authorization, headers["x-dockwire-token"]]))
    const at = await listen(proxy)
    visit(`http://user:pass@${at}`, { token: "t" })
    await vi.waitFor(() => expect(seen).toEqual([[`Basic ${btoa("user:pass")}`, "t"]]))
    proxy.on("request", ({ headers }, response) => {
      seen.push([headers.authorization, headers["x-dockwire-token"]])
      response.end('{"ticket":"abc"}')
    })
    seen.length = 0
    visit(`http://user:pass@${at}`, { token: "t", WebSocket })
    await vi.waitFor(() =>
      expect(seen).toEqual([
        [`Basic ${btoa("user:pass")}`, "t"],
        [`Basic ${btoa("user:pass")}`, undefined]
      ])
    )
  })
})
