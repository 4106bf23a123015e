import { connect, type ServerMessage, type SocketEvents } from "@dockwire/server/client"
import { afterEach, expect, test, vi } from "vitest"
import { FakeWebSocket } from "./fakeWebSocket.js"

afterEach(() => vi.useRealTimers())

const events = [
  "connect",
  "docker_log",
  "docker_log_batch",
  "docker_progress",
  "docker_log_complete",
  "container_log_mark",
  "container_status_change",
  "container_stats",
  "engine_status",
  "gap",
  "joined",
  "left",
  "status",
  "error"
] as const satisfies ReadonlyArray<keyof SocketEvents>

const id = "c0ffee".padEnd(64, "0")
const room = `container_logs_${id}`
const timestamp = "2025-01-01T00:00:00.000000001Z"
const run = { log_id: "r1", operation_type: "run_compose", config_id: 7, container_id: null, image_name: null }
const log = (seq: number, text: string): ServerMessage => ({
  event: "docker_log",
  room,
  seq,
  position: `p${seq}`,
  data: {
    container_id: id,
    name: "web",
    operation_type: "container_logs",
    status: "running",
    lines: [
      [timestamp, "stdout", text],
      [timestamp, "stderr", text, { index: 1, last: true }]
    ]
  }
})

/** One of each kind. */
const samples: ReadonlyArray<ServerMessage> = [
  {
    event: "joined",
    room,
    position: "p0",
    data: { room: "container_logs_web", canonical: room, epoch: "e1", seq: 0, oldest: 1, recovered: true }
  },
  log(1, "one"),
  { event: "docker_progress", room, seq: 3, position: "p3", data: { ...run, id: "l", status: "pulling", timestamp } },
  {
    event: "docker_log_complete",
    room,
    seq: 4,
    position: "p4",
    data: { ...run, success: false, status: "failed", error: "no", timestamp }
  },
  { event: "container_log_mark", room, seq: 5, position: "p5", data: { container_id: id, mark: "started", timestamp } },
  {
    event: "container_log_mark",
    room,
    seq: 6,
    position: "p6",
    data: { container_id: id, mark: "engine_error", message: "m", timestamp }
  },
  { event: "container_stats", room, data: { container_id: id, stats: { status: "stopped" }, timestamp } },
  { event: "gap", room, data: { room, from: 3, to: "x", lines: 2, reason: "rotated" } },
  {
    event: "container_status_change",
    data: { container_id: id, name: "web", status: "running", action: "start", success: true, timestamp }
  },
  { event: "engine_status", data: { available: true, endpoint: "unix:///x", version: "1", timestamp } },
  { event: "status", data: { msg: "hello" } },
  { event: "left", data: { room: "container_logs_other" } },
  { event: "error", data: { code: "x", message: "y", about: "z" } }
]

const oddValues: ReadonlyArray<unknown> = [
  null,
  undefined,
  true,
  0,
  -1,
  1.5,
  1e308,
  "",
  "__proto__",
  [],
  [null],
  [[]],
  [[timestamp, "stdout"]],
  {},
  { length: 3 }
]

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null

/** `value` with each of its parts, at any depth, replaced by each odd value. */
function* mutations(value: unknown): Generator<unknown> {
  yield* oddValues
  if (!isRecord(value)) return
  for (const key of Object.keys(value)) {
    for (const mutated of mutations(value[key])) {
      const copy: unknown = Array.isArray(value) ? [...value] : { ...value }
      if (isRecord(copy)) copy[key] = mutated
      yield copy
    }
  }
}

const openSocket = (options: Parameters<typeof connect>[1] = {}) => {
  FakeWebSocket.instances.length = 0
  const socket = connect("http://server.test", { WebSocket: FakeWebSocket, ...options })
  const seen: Array<{ readonly event: keyof SocketEvents; readonly data: unknown }> = []
  for (const event of events) socket.on(event, (data) => seen.push({ event, data }))
  socket.emit("stream_container_logs", { container_id: "web" })
  const fake = async (index: number): Promise<FakeWebSocket> => {
    await vi.waitFor(() => expect(FakeWebSocket.instances.length).toBeGreaterThan(index))
    const found = FakeWebSocket.instances[index]
    if (found === undefined) throw new Error("unreachable")
    return found
  }
  return { socket, seen, fake }
}

test("no frame throws, whatever is in it: an error is reported and the next line arrives", async () => {
  const { fake, seen, socket } = openSocket()
  const server = await fake(0)
  server.open()
  const frames: Array<unknown> = ["", "null", "7", '"text"', "{}", "[1", "[null]", "[[]]", '[{"event":7}]', "\u0000"]
  frames.push(new ArrayBuffer(3), Buffer.from("[]"), undefined)
  for (const sample of samples) for (const mutated of mutations(sample)) frames.push(JSON.stringify([mutated]))
  expect(frames.length).toBeGreaterThan(1_500)
  const unmoved: Array<unknown> = []
  for (const frame of frames) {
    seen.length = 0
    server.receive(JSON.stringify([samples[0]]))
    try {
      server.receive(frame)
    } catch (cause) {
      unmoved.push([frame, String(cause)])
    }
    for (const { data, event } of seen) {
      if (event === "docker_log") {
        expect(data).toMatchObject({ line: expect.any(String), timestamp: expect.any(String) })
      } else if (event === "error") {
        expect(data).toMatchObject({ code: expect.any(String), message: expect.any(String) })
      }
    }
  }
  expect(unmoved).toEqual([])
  expect(FakeWebSocket.instances).toHaveLength(1)

  seen.length = 0
  for (const frame of ["nonsense", "{}", "[{}]", '[{"event":"docker_log"}]']) {
    server.receive(frame)
    expect(seen.splice(0)).toEqual([
      {
        event: "error",
        data: {
          code: "not_this_protocol",
          message:
            "The server sent a frame that is not a dockwire.v1 message. Check the address and the server's version."
        }
      }
    ])
  }
  // Events of a later version are no error.
  server.receive('[{"event":"from_the_future","data":{}}]')
  expect(seen).toEqual([])
  socket.disconnect()
})

test("the good messages of a frame arrive in spite of a malformed one", async () => {
  const { fake, seen, socket } = openSocket()
  const server = await fake(0)
  server.open()
  server.receive(JSON.stringify([samples[0], log(1, "one"), { event: "docker_log", room, seq: 3 }, log(5, "three")]))
  expect(seen.filter(({ event }) => event === "docker_log")).toHaveLength(4)
  expect(seen.filter(({ event }) => event === "error")).toHaveLength(1)
  expect(seen.filter(({ event }) => event === "gap")).toMatchObject([{ data: { from: 3, to: 4 } }])
  socket.disconnect()
})

/** Advances by this many seconds, one by one, so that everything due happens in order. */
const pass = async (seconds: number): Promise<void> => {
  for (let second = 0; second < seconds; second++) await vi.advanceTimersByTimeAsync(1000)
}

const observe = (options: Parameters<typeof connect>[1] = {}) => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] })
  const opened = openSocket({ reconnectDelay: 1, reconnectDelayMax: 1, ...options })
  const reasons: Array<string> = []
  opened.socket.on("disconnect", ({ reason }) => reasons.push(reason))
  const latest = async (): Promise<FakeWebSocket> => {
    await vi.advanceTimersByTimeAsync(10)
    const found = FakeWebSocket.instances.at(-1)
    if (found === undefined) throw new Error("unreachable")
    return found
  }
  return { ...opened, reasons, latest }
}

test("a connection without a sign of life for 20 seconds is dead: the client says so and reconnects", async () => {
  const { latest, reasons, socket } = observe()
  const server = await latest()
  server.open()
  server.receive("[]")
  for (let beat = 0; beat < 10; beat++) {
    await pass(10)
    server.receive("[]")
  }
  // Any frame is a sign of life.
  await pass(19)
  server.receive(JSON.stringify([samples[0]]))
  await pass(19)
  expect([socket.connected, reasons]).toEqual([true, []])
  await pass(1)
  expect([socket.connected, reasons]).toEqual([false, ["No answer for 20 s"]])
  expect(server.isClosed).toBe(true)
  const next = await latest()
  expect(next).not.toBe(server)
  next.open()
  expect(JSON.parse(next.sent[0] ?? "")).toEqual({
    event: "stream_container_logs",
    data: { container_id: "web", position: "p0" }
  })
  // What the dead connection still delivers is ignored.
  expect(() => server.receive("[]")).not.toThrow()
  socket.disconnect()
  await pass(100)
  expect(reasons).toHaveLength(2)
})

test("the silence of a server that sends no heartbeats says nothing", async () => {
  const { latest, reasons, socket } = observe()
  const server = await latest()
  server.open()
  server.receive(JSON.stringify([samples[0]]))
  await pass(1_000)
  expect([socket.connected, reasons]).toEqual([true, []])
  socket.disconnect()
})

test("the limit is an option, and can be switched off", async () => {
  const short = observe({ heartbeatTimeout: 3_000 })
  const server = await short.latest()
  server.open()
  server.receive("[]")
  await pass(3)
  expect(short.reasons).toEqual(["No answer for 3 s"])
  short.socket.disconnect()

  const off = observe({ heartbeatTimeout: Infinity })
  const other = await off.latest()
  other.open()
  other.receive("[]")
  await pass(1_000)
  expect(off.socket.connected).toBe(true)
  off.socket.disconnect()
})

test("a connection that is too slow for a large frame gets more time, until it has caught up", async () => {
  const { latest, reasons, socket } = observe()
  const silences = async (): Promise<void> => {
    const server = await latest()
    server.open()
    server.receive("[]")
    while (socket.connected) await pass(1)
  }
  for (let round = 0; round < 4; round++) await silences()
  expect(reasons).toEqual(["No answer for 20 s", "No answer for 40 s", "No answer for 80 s", "No answer for 80 s"])
  const server = await latest()
  server.open()
  server.receive("[]")
  await pass(70)
  server.receive("[]")
  await pass(10)
  expect(socket.connected).toBe(true)
  await pass(10)
  expect(reasons.at(-1)).toBe("No answer for 20 s")
  socket.disconnect()
})

test("a program that was busy or suspended reads what has arrived before it judges the silence", async () => {
  const { latest, reasons, socket } = observe()
  const server = await latest()
  server.open()
  server.receive("[]")
  // The timer fires a minute later than due, before any frame is read.
  vi.setSystemTime(Date.now() + 60_000)
  await pass(20)
  expect(reasons).toEqual([])
  server.receive("[]")
  await pass(15)
  expect([socket.connected, reasons]).toEqual([true, []])
  vi.setSystemTime(Date.now() + 60_000)
  await pass(25)
  expect(reasons).toEqual(["No answer for 20 s"])
  socket.disconnect()
})
