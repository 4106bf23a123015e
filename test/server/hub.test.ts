import { type LogEvent, LogSink } from "@dockwire/core"
import { Hub, type HubOptions } from "@dockwire/server"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { describe, expect, it } from "vitest"
import { RecordingTransport } from "./recordingTransport.js"
import { poll } from "./wireClient.js"

const id = "c".repeat(64)
const room = `container_logs_${id}`

const line = (text: string, timestamp = "2026-01-31T12:00:00.123456789Z"): LogEvent => ({
  _tag: "LogLine",
  containerId: id,
  stream: "stdout",
  timestamp,
  text
})

type HubService = Effect.Effect.Success<typeof Hub>

const withHub = <A>(use: (hub: HubService) => A | Promise<A>, options: Partial<HubOptions> = {}): Promise<A> =>
  Effect.runPromise(
    Effect.flatMap(Hub, (hub) => Effect.promise(async () => use(hub))).pipe(Effect.provide(Hub.layerWith(options)))
  )

const ring = { lines: 20_000, bytes: 8 * 1024 * 1024, age: 3_600_000 }

describe("Hub", () => {
  it("sends at once to an idle viewer, and in few frames to one with a pending write", () =>
    withHub((hub) => {
      const connection = new RecordingTransport()
      hub.join(hub.attach(connection), room, room)
      hub.offer([line("1")])
      expect(connection.lines).toEqual(["1"])
      for (let index = 2; index <= 1_000; index++) hub.offer([line(String(index))])
      expect(connection.frames).toHaveLength(1)
      connection.completeWrites()
      expect(connection.frames).toHaveLength(2)
      expect(connection.lines).toEqual(Array.from({ length: 1_000 }, (_, index) => String(index + 1)))
      const [, log] = connection.messages
      expect(log).toMatchObject({ event: "docker_log", room, seq: 2, data: { container_id: id } })
    }))

  it("writes the same bytes to every viewer", () =>
    withHub((hub) => {
      const connections = Array.from({ length: 50 }, () => new RecordingTransport())
      for (const connection of connections) hub.join(hub.attach(connection), room, room)
      hub.offer([line("1"), line("2")])
      const [first] = connections
      for (const connection of connections) expect(connection.frames[0]).toBe(first?.frames[0])
      for (let index = 0; index < 10; index++) hub.offer([line(`more ${index}`)])
      for (const connection of connections) connection.completeWrites()
      for (const connection of connections) expect(connection.frames[1]).toBe(first?.frames[1])
    }))

  it("takes at most 60 bytes a line beyond its text in a burst", () =>
    withHub((hub) => {
      const connection = new RecordingTransport()
      hub.join(hub.attach(connection), room, room)
      const text = "a line of ordinary length, as programs write them"
      hub.offer([line("first")])
      for (let index = 0; index < 5_000; index++) hub.offer([line(text)])
      while (connection.lines.length < 5_001) connection.completeWrites()
      const bytes = connection.frames.slice(1).reduce((sum, frame) => sum + frame.length, 0)
      expect(bytes / 5_000 - text.length).toBeLessThanOrEqual(60)
      expect(connection.frames.length).toBeLessThan(10)
    }))

  it("feeds a lagging viewer from the ring, and closes it with 4008 once the ring has overrun it", () =>
    withHub(
      (hub) => {
        const paused = new RecordingTransport()
        const lost = new RecordingTransport()
        hub.join(hub.attach(paused), room, room)
        hub.join(hub.attach(lost), room, room)
        for (let index = 1; index <= 100; index++) hub.offer([line(String(index))])
        expect(paused.frames).toHaveLength(1)
        paused.completeWrites()
        expect(paused.lines).toHaveLength(100)
        paused.completeWrites()
        for (let index = 101; index <= 150; index++) hub.offer([line(String(index))])
        paused.completeWrites()
        lost.completeWrites()
        expect(lost.closeCodes).toEqual([4008])
        expect(lost.lines).toEqual(["1"])
        expect(paused.closeCodes).toEqual([])
        expect(paused.lines).toEqual(Array.from({ length: 150 }, (_, index) => String(index + 1)))
      },
      { ring: { ...ring, lines: 100 } }
    ))

  it("closes a viewer whose write stalls, and no other", () =>
    withHub(
      async (hub) => {
        const stuck = new RecordingTransport()
        const reading = new RecordingTransport(true)
        hub.join(hub.attach(stuck), room, room)
        hub.join(hub.attach(reading), room, room)
        hub.offer([line("1")])
        await poll("it is closed", () => stuck.closeCodes.length > 0, 5_000)
        expect(stuck.closeCodes).toEqual([4008])
        hub.offer([line("2")])
        expect(reading.lines).toEqual(["1", "2"])
        expect(stuck.lines).toEqual(["1"])
      },
      { viewer: { hardBytes: 1_000_000, stall: 100 } }
    ))

  it("goes on looking for stalled viewers after it failed to close one", () =>
    withHub(
      async (hub) => {
        const broken = new (class extends RecordingTransport {
          override close = (): void => {
            throw new Error("broken")
          }
        })()
        const stuck = new RecordingTransport()
        for (const connection of [broken, stuck]) hub.join(hub.attach(connection), room, room)
        hub.offer([line("1")])
        await poll("the other is closed", () => stuck.closeCodes.length > 0, 5_000)
        expect(stuck.closeCodes).toEqual([4008])
      },
      { viewer: { hardBytes: 1_000_000, stall: 100 } }
    ))

  it("closes a viewer with too many pending bytes, also for messages outside of any room", () =>
    withHub(
      (hub) => {
        const connection = new RecordingTransport()
        hub.attach(connection)
        for (let index = 0; index < 100; index++) {
          hub.broadcast({ event: "status", data: { msg: "x".repeat(100) } })
        }
        expect(connection.closeCodes).toEqual([4008])
        expect(connection.frames.length).toBeLessThan(20)
      },
      { viewer: { hardBytes: 1_000, stall: 30_000 } }
    ))

  it("keeps no more than its limits of lines, bytes, and bytes of all rooms together", () =>
    withHub(
      (hub) => {
        for (let index = 0; index < 50; index++) hub.offer([line("x".repeat(100))])
        expect(hub.ring(room).oldest).toBe(41)
        hub.offer([line("y".repeat(3_000)), line("y".repeat(3_000))])
        expect(hub.ring(room).oldest).toBe(52)
        hub.publish("docker_logs", [{ event: "docker_progress", json: JSON.stringify("z".repeat(4_500)) }])
        hub.publish("operation_1", [{ event: "docker_progress", json: JSON.stringify("z".repeat(4_500)) }])
        // The empty room that has been quiet the longest is dropped.
        expect(hub.findRing(room)).toBeUndefined()
        expect(hub.findRing("operation_1")?.seq).toBe(1)
      },
      { ring: { ...ring, lines: 10, bytes: 5_000 }, bytes: 10_000 }
    ))

  it("gives a room that is dropped and created again another epoch", () =>
    withHub((hub) => {
      hub.offer([line("1")])
      const before = hub.ring(room).epoch
      hub.unclaim(room)
      expect(hub.ring(room).epoch).not.toBe(before)
      expect(hub.ring(room).seq).toBe(0)
    }))

  it("ignores what a sink offers for a room that is claimed by a follower", () =>
    withHub((hub) => {
      hub.claim(room)
      hub.offer([line("twice")])
      expect(hub.ring(room).seq).toBe(0)
    }))
})

describe("Hub.layerSink", () => {
  const target = { configId: 7, imageName: "nginx:1.27" }
  const base = { logId: "log-1", kind: "pull_image", target, timestamp: "2026-01-31T12:00:00.000Z" }
  const events: ReadonlyArray<LogEvent> = [
    { ...base, _tag: "OperationStarted", seq: 0 },
    { ...base, _tag: "OperationLine", seq: 1, stream: "system", text: "Pulling" },
    { ...base, _tag: "OperationProgress", seq: 2, id: "layer", status: "Downloading", current: 1, total: 2 },
    {
      ...base,
      _tag: "OperationFailed",
      seq: 3,
      error: "no such image",
      failure: { tag: "BuildFailed", fields: { step: "[2/3] RUN make", exitCode: 2, lastLines: ["make: no"] } }
    },
    line("hello"),
    { _tag: "LogMark", mark: "stopped", containerId: id, timestamp: "2026-01-31T12:00:01.000000000Z", exitCode: 3 },
    {
      _tag: "LogMark",
      mark: "gap",
      containerId: id,
      timestamp: "2026-01-31T12:00:02.000000000Z",
      from: "2026-01-31T12:00:01.000000000Z",
      to: "2026-01-31T12:00:02.000000000Z",
      reason: "rotated away"
    }
  ]

  it("publishes an operation to its four rooms and a container's log to its own", async () => {
    const program = LogSink.drain(Stream.fromIterable(events))
    const seen = await Effect.runPromise(
      Effect.gen(function* () {
        const hub = yield* Hub
        const rooms = ["docker_logs", "operation_log-1", "docker_config_7", "docker_image_nginx_1.27", room]
        const connections = rooms.map((name) => {
          const connection = new RecordingTransport(true)
          hub.join(hub.attach(connection), name, name)
          return connection
        })
        yield* program
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
        return connections.map((connection) => connection.messages)
      }).pipe(Effect.provide(Layer.provideMerge(Hub.layerSink, Hub.layer)))
    )
    const operation = {
      log_id: "log-1",
      operation_type: "pull_image",
      config_id: 7,
      container_id: null,
      image_name: "nginx:1.27"
    }
    for (const messages of seen.slice(0, 4)) {
      expect(messages).toMatchObject([
        {
          event: "docker_log",
          seq: 1,
          data: { ...operation, status: "running", lines: [[base.timestamp, "system", "Pulling"]] }
        },
        {
          event: "docker_progress",
          seq: 2,
          data: { ...operation, id: "layer", status: "Downloading", current: 1, total: 2 }
        },
        {
          event: "docker_log_complete",
          seq: 3,
          data: {
            ...operation,
            success: false,
            status: "failed",
            error: "no such image",
            failure: { tag: "BuildFailed", step: "[2/3] RUN make", exit_code: 2, last_lines: ["make: no"] },
            timestamp: base.timestamp
          }
        }
      ])
    }
    expect(seen[4]).toMatchObject([
      { event: "docker_log", seq: 1, data: { container_id: id, operation_type: "container_logs" } },
      { event: "container_log_mark", seq: 2, data: { container_id: id, mark: "stopped", exit_code: 3 } },
      { event: "gap", seq: 3, data: { room, reason: "rotated away" } }
    ])
  })

  const ended = { event: "docker_log_complete", data: { success: false, status: "interrupted" } }
  it.each([
    ["says nothing", {}, []],
    ["says what is left", { detail: "Project: nothing is left." }, ["Project: nothing is left."]]
  ])("ends the room of an interrupted run that %s", (_title, more, lines) =>
    withHub((hub) => {
      const connection = new RecordingTransport()
      hub.join(hub.attach(connection), "operation_log-1", "operation_log-1")
      const run = { ...base, logId: "log-1", kind: "run_compose", target: {}, seq: 1 }
      hub.offer([{ ...run, _tag: "OperationInterrupted", ...more }])
      const told = lines.map((text) => ({ event: "docker_log", data: { lines: [[base.timestamp, "system", text]] } }))
      expect(connection.messages).toMatchObject([...told, ended])
      expect(connection.messages).toHaveLength(lines.length + 1)
    })
  )

  it("marks the parts of a very long line", () =>
    withHub((hub) => {
      const connection = new RecordingTransport()
      hub.join(hub.attach(connection), room, room)
      const part: LogEvent = {
        ...base,
        _tag: "LogLine",
        containerId: id,
        stream: "stderr",
        text: "x",
        part: { index: 2, last: true }
      }
      hub.offer([part])
      expect(connection.messages).toMatchObject([
        { data: { lines: [[base.timestamp, "stderr", "x", { index: 2, last: true }]] } }
      ])
    }))
})
