import { randomUUID } from "node:crypto"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import type { Socket, SocketEvents, SocketOptions } from "@dockwire/server/client"
import { connect, io } from "@dockwire/server/client"
import { afterEach, expect, test, vi } from "vitest"
import { WebSocket, WebSocketServer } from "ws"
import { makeBackoff } from "../../packages/server/src/client/connection/Backoff.js"
import { addresses } from "../../packages/server/src/client/connection/Transport.js"
import type { ClientMessage, ServerMessage, WireLine } from "../../packages/server/src/Wire.js"

const id = "c0ffee".padEnd(64, "0")
const room = `container_logs_${id}`

interface Visit {
  readonly headers: Record<string, string | Array<string> | undefined>
  readonly protocols: string
  readonly received: Array<ClientMessage>
  readonly send: (...messages: ReadonlyArray<ServerMessage>) => void
  readonly cut: (code?: number, reason?: string) => void
}

/** A server controlled by the test, to produce failures that a real server rarely does. */
class ServerDouble {
  readonly visits: Array<Visit> = []
  readonly http = createServer((request, response) => {
    if (request.url !== "/api/ws-ticket" || request.headers["x-dockwire-token"] !== "good") {
      return response.writeHead(401).end(JSON.stringify({ _tag: "NotAllowed", message: "No valid credential" }))
    }
    return response
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify({ ticket: `t${++this.tickets}` }))
  })
  readonly sockets = new WebSocketServer({ server: this.http, path: "/ws", handleProtocols: () => "dockwire.v1" })
  tickets = 0
  onVisit: (visit: Visit) => void = () => {}
  onMessage: (message: ClientMessage, visit: Visit) => void = () => {}

  constructor() {
    this.sockets.on("connection", (socket, request) => {
      const visit: Visit = {
        headers: request.headers,
        protocols: String(request.headers["sec-websocket-protocol"]),
        received: [],
        send: (...messages) => socket.send(JSON.stringify(messages)),
        cut: (code, reason) => (code === undefined ? socket.terminate() : socket.close(code, reason))
      }
      socket.on("message", (data) => {
        const message: ClientMessage = JSON.parse(String(data))
        visit.received.push(message)
        this.onMessage(message, visit)
      })
      this.visits.push(visit)
      this.onVisit(visit)
    })
  }

  listen(port = 0): Promise<string> {
    return new Promise((resolve) =>
      this.http.listen(port, "127.0.0.1", () => resolve(`http://127.0.0.1:${this.port()}`))
    )
  }

  port(): number {
    const address: AddressInfo | string | null = this.http.address()
    if (address === null || typeof address === "string") throw new Error("not listening")
    return address.port
  }

  async visit(index: number): Promise<Visit> {
    await vi.waitFor(() => expect(this.visits.length).toBeGreaterThan(index), { timeout: 5000, interval: 5 })
    const found = this.visits[index]
    if (found === undefined) throw new Error("unreachable")
    return found
  }

  /** The connection with this index, once it has sent `count` messages. */
  async awaitMessages(index: number, count: number): Promise<Visit> {
    const visit = await this.visit(index)
    await vi.waitFor(() => expect(visit.received.length).toBeGreaterThanOrEqual(count), { timeout: 5000, interval: 5 })
    return visit
  }

  close(): Promise<void> {
    for (const socket of this.sockets.clients) socket.terminate()
    return new Promise((resolve) => this.sockets.close(() => this.http.close(() => resolve())))
  }
}

const open: Array<{ close: () => unknown }> = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

const serve = async (): Promise<{ server: ServerDouble; url: string }> => {
  const server = new ServerDouble()
  const url = await server.listen()
  open.push(server)
  return { server, url }
}

const visitor = (url: string, options: SocketOptions = {}): Socket => {
  const socket = connect(url, { reconnectDelay: 5, reconnectDelayMax: 20, ...options })
  open.unshift({ close: () => socket.disconnect() })
  return socket
}

const collect = <E extends keyof SocketEvents>(socket: Socket, event: E): Array<SocketEvents[E]> => {
  const seen: Array<SocketEvents[E]> = []
  socket.on(event, (data) => seen.push(data))
  return seen
}

const joined = (
  asked: string,
  more: Partial<Extract<ServerMessage, { event: "joined" }>["data"]> = {},
  position = "begin"
): ServerMessage => ({
  event: "joined",
  room: more.canonical ?? room,
  position,
  data: { room: asked, canonical: room, epoch: "e1", seq: 0, oldest: 1, recovered: true, ...more }
})

const line = (text: string): WireLine => ["2025-01-01T00:00:00.000000001Z", "stdout", text]

const log = (seq: number | undefined, ...texts: ReadonlyArray<string>): ServerMessage => ({
  event: "docker_log",
  room,
  ...(seq === undefined ? {} : { seq }),
  position: `after ${texts.at(-1)}`,
  data: { container_id: id, name: "web", operation_type: "container_logs", status: "running", lines: texts.map(line) }
})

/** What the client had sent on this connection before now. The server has received it once a later message arrives. */
const sentBefore = async (socket: Socket, visit: Visit): Promise<ReadonlyArray<ClientMessage>> => {
  const last = `operation_${randomUUID()}`
  socket.emit("join", { room: last })
  const indexOfLast = () =>
    visit.received.findIndex((message) => message.event === "join" && message.data.room === last)
  await vi.waitFor(() => expect(indexOfLast()).toBeGreaterThanOrEqual(0), { timeout: 5000, interval: 5 })
  return visit.received.slice(0, indexOfLast())
}

/** Waits until the client has handled everything that the server has sent on this connection. */
const handled = async (socket: Socket, visit: Visit): Promise<void> => {
  const statuses = collect(socket, "engine_status")
  visit.send({ event: "engine_status", data: { available: false, endpoint: "", timestamp: "" } })
  await vi.waitFor(() => expect(statuses).toHaveLength(1), { timeout: 5000, interval: 5 })
}

/** Lets another client reconnect a few times: one that has stopped earlier would have connected again by then. */
const othersReconnect = async (server: ServerDouble, url: string): Promise<number> => {
  const first = server.visits.length
  const times = 4
  const other = visitor(url)
  for (let time = 0; time < times; time++) (await server.visit(first + time)).cut()
  await server.visit(first + times)
  other.disconnect()
  return first + times + 1
}

test("a line of an operation has the shape that Socket.IO pages expect", async () => {
  const { server, url } = await serve()
  const socket = visitor(url)
  const logs = collect(socket, "docker_log")
  const batches = collect(socket, "docker_log_batch")
  const ends = collect(socket, "docker_log_complete")
  socket.emit("join", { room: "docker_logs" })
  const visit = await server.awaitMessages(0, 1)
  expect(visit.received).toEqual([{ event: "join", data: { room: "docker_logs" } }])
  const run = { log_id: "r1", operation_type: "run_compose", config_id: 7, container_id: null, image_name: null }
  const lines: ReadonlyArray<WireLine> = [
    ["2025-01-01T00:00:00.000Z", "system", "Pulling"],
    ["2025-01-01T00:00:01.000Z", "stderr", "half", { index: 1, last: false }]
  ]
  visit.send(joined("docker_logs", { canonical: "docker_logs" }), {
    event: "docker_log",
    room: "docker_logs",
    seq: 1,
    position: "p2",
    data: { ...run, status: "running", lines }
  })
  visit.send({
    event: "docker_log_complete",
    room: "docker_logs",
    seq: 3,
    position: "p3",
    data: { ...run, success: true, status: "completed", timestamp: "2025-01-01T00:00:02.000Z" }
  })
  await vi.waitFor(() => expect(ends).toHaveLength(1))
  expect(logs).toEqual([
    { ...run, line: "Pulling", timestamp: "2025-01-01T00:00:00.000Z", status: "running", stream: "system" },
    {
      ...run,
      line: "half",
      timestamp: "2025-01-01T00:00:01.000Z",
      status: "running",
      stream: "stderr",
      part: { index: 1, last: false }
    }
  ])
  expect(batches).toEqual([{ ...run, status: "running", lines }])
  expect(ends[0]).toMatchObject({ success: true, status: "completed" })
})

test("a room subscribed to by name is reported by that name", async () => {
  const { server, url } = await serve()
  const socket = visitor(url)
  const logs = collect(socket, "docker_log")
  const gaps = collect(socket, "gap")
  const places: Array<unknown> = []
  socket.on("docker_log_batch", (_, place) => places.push(place))
  socket.emit("stream_container_logs", { container_id: "web", tail: 2 })
  const visit = await server.awaitMessages(0, 1)
  visit.send(joined("container_logs_web"), log(undefined, "a", "b"), log(1, "c"), log(2, "d"))
  visit.send({ event: "gap", room, data: { room, from: 3, to: 9, reason: "rotated away" } }, log(10, "e"))
  await vi.waitFor(() => expect(logs).toHaveLength(5))
  expect(logs[0]).toEqual({
    log_id: null,
    operation_type: "container_logs",
    config_id: null,
    container_id: "web",
    image_name: null,
    line: "a",
    timestamp: "2025-01-01T00:00:00.000000001Z",
    status: "running",
    stream: "stdout"
  })
  expect(logs.map((each) => each.line).join("")).toBe("abcde")
  expect(gaps).toEqual([{ room: "container_logs_web", from: 3, to: 9, reason: "rotated away" }])
  expect(places[0]).toEqual({ room: "container_logs_web", canonical: room })
  expect(places.at(-1)).toEqual({ room: "container_logs_web", canonical: room, seq: 10 })
})

test("a lost connection resumes after the last position, without duplicates", async () => {
  const { server, url } = await serve()
  const socket = visitor(url)
  const logs = collect(socket, "docker_log")
  const gaps = collect(socket, "gap")
  const connects = collect(socket, "connect")
  const disconnects = collect(socket, "disconnect")
  socket.emit("stream_container_logs", { container_id: "web", tail: 5 })
  const first = await server.awaitMessages(0, 1)
  first.send(joined("container_logs_web", {}, "begin"), log(1, "a"), log(2, "b", "c"))
  await vi.waitFor(() => expect(logs).toHaveLength(3))
  first.cut()

  const second = await server.awaitMessages(1, 1)
  expect(second.received).toEqual([
    { event: "stream_container_logs", data: { container_id: "web", tail: 5, position: "after c" } }
  ])
  second.send(joined("container_logs_web", { seq: 4 }, "after c"), log(2, "b", "c", "d"), log(3, "c"), log(5, "e"))
  await vi.waitFor(() => expect(logs).toHaveLength(5))
  expect(logs.map((each) => each.line).join("")).toBe("abcde")
  expect(gaps).toEqual([])
  expect(connects).toEqual([{ reconnected: false }, { reconnected: true }])
  expect(disconnects).toMatchObject([{ code: 1006, reconnects: true }])

  // Sequence numbers that are skipped without a gap message are reported as a gap.
  second.send(log(9, "i"))
  await vi.waitFor(() => expect(logs).toHaveLength(6))
  expect(gaps).toMatchObject([{ room: "container_logs_web", from: 6, to: 8 }])
})

test("after a restart of the server, the sequence numbers start again", async () => {
  const { server, url } = await serve()
  const socket = visitor(url)
  const logs = collect(socket, "docker_log")
  const gaps = collect(socket, "gap")
  socket.emit("join", { room: "docker_logs" })
  const first = await server.awaitMessages(0, 1)
  first.send(joined("docker_logs"), log(101, "a", "b"))
  await vi.waitFor(() => expect(logs).toHaveLength(2))
  first.cut(1001, "bye")
  const second = await server.awaitMessages(1, 1)
  expect(second.received).toEqual([{ event: "join", data: { room: "docker_logs", position: "after b" } }])
  second.send(joined("docker_logs", { epoch: "e2" }, "after b"), log(1, "c"), log(2, "d"))
  await vi.waitFor(() => expect(logs).toHaveLength(4))
  expect(logs.map((each) => each.line).join("")).toBe("abcd")
  expect(gaps).toEqual([])
})

test("a connection lost before the first line resumes from the position of joined, or subscribes again", async () => {
  const { server, url } = await serve()
  const socket = visitor(url)
  socket.emit("stream_container_logs", { container_id: "web", since: "2025-01-01T00:00:00Z" })
  const first = await server.awaitMessages(0, 1)
  first.cut()
  const second = await server.awaitMessages(1, 1)
  expect(second.received).toEqual(first.received)
  const answered = collect(socket, "joined")
  second.send(joined("container_logs_web", {}, "here"))
  await vi.waitFor(() => expect(answered).toHaveLength(1))
  second.cut()
  const third = await server.awaitMessages(2, 1)
  expect(third.received[0]?.data).toEqual({ container_id: "web", since: "2025-01-01T00:00:00Z", position: "here" })
})

test("a room that was left is forgotten, and its late lines are dropped", async () => {
  const { server, url } = await serve()
  const socket = visitor(url)
  const logs = collect(socket, "docker_log")
  socket.emit("stream_container_logs", { container_id: "web" })
  const first = await server.awaitMessages(0, 1)
  socket.emit("stop_container_logs", { container_id: "web" })
  socket.emit("stream_container_logs", { container_id: "web", tail: 3 })
  await server.awaitMessages(0, 3)
  const left: ServerMessage = { event: "left", data: { room: "container_logs_web" } }
  first.send(joined("container_logs_web"), log(undefined, "old"), left)
  first.send(joined("container_logs_web"), log(undefined, "old"), log(1, "new"))
  await vi.waitFor(() => expect(logs.map((each) => each.line)).toEqual(["old", "new"]))

  socket.emit("stop_container_logs", { container_id: "web" })
  first.send(log(2, "late"), left)
  await handled(socket, first)
  first.cut()
  const second = await server.visit(1)
  expect(await sentBefore(socket, second)).toEqual([])
  expect(logs).toHaveLength(2)
})

test("a page that joins the room and then streams its log gets the history", async () => {
  const { server, url } = await serve()
  const socket = visitor(url)
  const logs = collect(socket, "docker_log")
  socket.emit("join", { room: "container_logs_web" })
  await server.awaitMessages(0, 1)
  socket.emit("stream_container_logs", { container_id: "web", room: "container_logs_web" })
  const visit = await server.awaitMessages(0, 3)
  expect(visit.received.map((each) => each.event)).toEqual(["join", "leave", "stream_container_logs"])
  visit.send(joined("container_logs_web", { seq: 8 }), log(9, "9"), {
    event: "left",
    data: { room: "container_logs_web" }
  })
  visit.send(joined("container_logs_web", { seq: 9 }), log(8, "8", "9"), log(10, "10"))
  await vi.waitFor(() => expect(logs.map((each) => each.line)).toEqual(["8", "9", "10"]))
  // Some pages subscribe again in each `connect`.
  socket.emit("stream_container_logs", { container_id: "web", room: "container_logs_web" })
  socket.emit("join", { room: "container_logs_web" })
  expect(await sentBefore(socket, visit)).toHaveLength(3)
})

test("a log streamed with a room is stopped without naming it", async () => {
  const { server, url } = await serve()
  const socket = visitor(url)
  socket.emit("stream_container_logs", { container_id: id, room: "container_logs_c0ffee" })
  const visit = await server.awaitMessages(0, 1)
  visit.send(joined("container_logs_c0ffee"))
  socket.emit("stop_container_logs", { container_id: id })
  await server.awaitMessages(0, 2)
  expect(visit.received[1]).toEqual({
    event: "stop_container_logs",
    data: { container_id: id, room: "container_logs_c0ffee" }
  })
  visit.cut()
  const second = await server.visit(1)
  expect(await sentBefore(socket, second)).toEqual([])
})

test("a room with two names: each line arrives once, and the room stays until both are left", async () => {
  const { server, url } = await serve()
  const socket = visitor(url)
  const logs = collect(socket, "docker_log")
  socket.emit("stream_container_logs", { container_id: "web" })
  socket.emit("stream_container_logs", { container_id: "c0ffee" })
  const visit = await server.awaitMessages(0, 2)
  visit.send(joined("container_logs_web"), joined("container_logs_c0ffee"), log(1, "a"))
  await vi.waitFor(() => expect(logs).toHaveLength(1))
  socket.emit("stop_container_logs", { container_id: "web" })
  visit.send(log(2, "b"))
  await vi.waitFor(() => expect(logs).toHaveLength(2))
  expect(visit.received).toHaveLength(2)
  socket.emit("stop_container_logs", { container_id: "c0ffee" })
  await server.awaitMessages(0, 3)
})

test("reconnects after 4008, but not after 4501, and reports which", async () => {
  const { server, url } = await serve()
  const socket = visitor(url)
  const disconnects = collect(socket, "disconnect")
  const errors = collect(socket, "error")
  const first = await server.visit(0)
  first.cut(4008, "too slow")
  const second = await server.visit(1)
  second.cut(4501, "No valid token")
  await vi.waitFor(() => expect(errors).toHaveLength(1))
  expect(errors).toEqual([{ code: "not_allowed", message: "No valid token" }])
  expect(disconnects).toEqual([
    { code: 4008, reason: "too slow", reconnects: true },
    { code: 4501, reason: "No valid token", reconnects: false }
  ])
  const visits = await othersReconnect(server, url)
  expect(server.visits).toHaveLength(visits)
  socket.connect()
  await server.visit(visits)
  await vi.waitFor(() => expect(socket.connected).toBe(true))
  socket.disconnect()
  expect(socket.connected).toBe(false)
  const more = await othersReconnect(server, url)
  expect(server.visits).toHaveLength(more)
})

test("retries with growing delays while the server is down", async () => {
  const server = new ServerDouble()
  const url = await server.listen()
  const port = server.port()
  await server.close()
  const socket = visitor(url, { reconnectDelay: 10, reconnectDelayMax: 40 })
  const attempts = collect(socket, "reconnecting")
  await vi.waitFor(() => expect(attempts.length).toBeGreaterThanOrEqual(4), { timeout: 5000 })
  expect(attempts.map((each) => each.attempt).slice(0, 4)).toEqual([1, 2, 3, 4])
  for (const each of attempts) expect(each.delay).toBeLessThanOrEqual(40)
  const back = new ServerDouble()
  await back.listen(port)
  open.push(back)
  await back.visit(0)
})

test("a connection can be closed while it is being opened", async () => {
  const { url } = await serve()
  // An error event without a listener would end the process.
  visitor(url).disconnect()
  const socket = visitor(url)
  await new Promise((resolve) => setImmediate(resolve))
  socket.disconnect()
  const connected = collect(visitor(url), "connect")
  await vi.waitFor(() => expect(connected).toHaveLength(1))
})

test("an attempt that is never answered times out", async () => {
  const silent = createServer()
  let asked = 0
  silent.on("upgrade", (_, socket) => {
    asked++
    open.push({ close: () => socket.destroy() })
  })
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve))
  open.push({ close: () => silent.close() })
  const address = silent.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  visitor(`http://127.0.0.1:${port}`, { connectTimeout: 50 })
  await vi.waitFor(() => expect(asked).toBeGreaterThanOrEqual(3), { timeout: 5000 })
})

test("delays double up to the maximum, shortened by up to half at random", () => {
  const full = makeBackoff(100, 1000, () => 0)
  expect([1, 2, 3, 4, 5, 6].map(full.next)).toEqual([100, 200, 400, 800, 1000, 1000])
  expect(full.attempts()).toBe(6)
  full.reset()
  expect(full.next()).toBe(100)
  expect(makeBackoff(100, 1000, () => 1).next()).toBe(50)
})

test("the token is sent as a header in Node, and as a ticket over any other WebSocket", async () => {
  const { server, url } = await serve()
  visitor(url, { token: "good" })
  const first = await server.visit(0)
  expect(first.headers.authorization).toBe("Bearer good")
  expect(first.protocols).toBe("dockwire.v1")

  const other = visitor(url, { token: "good", WebSocket })
  const second = await server.visit(1)
  expect(second.headers.authorization).toBeUndefined()
  expect(second.protocols).toBe("dockwire.v1,dockwire.ticket.t1")
  // A ticket opens one connection only.
  await vi.waitFor(() => expect(other.connected).toBe(true))
  second.cut()
  expect((await server.visit(2)).protocols).toBe("dockwire.v1,dockwire.ticket.t2")

  const stranger = visitor(url, { token: "bad", WebSocket })
  const errors = collect(stranger, "error")
  await vi.waitFor(() => expect(errors).toMatchObject([{ code: "not_allowed" }]))
})

test("resolves the addresses of a server, of a folder it is mounted in, and of its WebSocket", () => {
  expect(addresses("http://host:1")).toEqual({ socket: "ws://host:1/ws", ticket: "http://host:1/api/ws-ticket" })
  expect(addresses("wss://host/logs/ws")).toEqual({
    socket: "wss://host/logs/ws",
    ticket: "https://host/logs/api/ws-ticket"
  })
  expect(addresses("https://host/logs?x#y").socket).toBe("wss://host/logs/ws")
  expect(addresses(".", "http://host/logs/client.js").socket).toBe("ws://host/logs/ws")
  expect(() => io()).toThrow(/address/)
})

test("a thousand lines over an unreliable connection: each once, in order", async () => {
  const { server, url } = await serve()
  const total = 1000
  let written = 0
  const watchers = new Map<Visit, number>()
  const message = (from: number, to: number): ServerMessage => ({
    event: "docker_log",
    room,
    seq: from,
    position: String(to),
    data: {
      container_id: id,
      name: "web",
      operation_type: "container_logs",
      status: "running",
      lines: Array.from({ length: to - from + 1 }, (_, index) => line(String(from + index)))
    }
  })
  server.onMessage = (received, visit) => {
    if (received.event !== "stream_container_logs") return
    const after = Number(received.data.position ?? 0)
    visit.send(joined("container_logs_web", { seq: written }, String(after)))
    // Repeat a few old lines, as a server may that knows the position only roughly.
    const from = Math.max(1, after - 3)
    if (written >= from) visit.send(message(from, written))
    watchers.set(visit, written)
  }
  const socket = visitor(url, { reconnectDelay: 1, reconnectDelayMax: 2 })
  const logs = collect(socket, "docker_log")
  const gaps = collect(socket, "gap")
  socket.emit("stream_container_logs", { container_id: "web", tail: 0 })
  const writer = setInterval(() => {
    const from = written + 1
    written = Math.min(total, written + 1 + Math.floor(Math.random() * 9))
    for (const [visit] of watchers) {
      if (written >= from) visit.send(message(from, written))
      if (Math.random() < 0.2) {
        watchers.delete(visit)
        visit.cut(Math.random() < 0.5 ? undefined : 4008)
      }
    }
    if (written === total) clearInterval(writer)
  }, 3)
  await vi.waitFor(() => expect(logs.length).toBeGreaterThanOrEqual(total), { timeout: 20_000 })
  const last = server.visits.at(-1)
  if (last !== undefined && watchers.has(last)) await handled(socket, last)
  expect(logs.map((each) => Number(each.line))).toEqual(Array.from({ length: total }, (_, index) => index + 1))
  expect(gaps).toEqual([])
  expect(server.visits.length).toBeGreaterThan(5)
})
