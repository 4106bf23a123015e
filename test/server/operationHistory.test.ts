import { isOperationEnded, type LogEvent, Operation, type OperationEvent } from "@dockwire/core"
import { type OperationRequest, Operations } from "@dockwire/server"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import { mkdtemp, readdir, rm, stat, truncate, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { layerEmbedded } from "../../packages/server/src/operations/libsql/embeddedDatabase.js"
import { OperationStore } from "../../packages/server/src/operations/OperationStore.js"
import type { RetentionLimits } from "../../packages/server/src/operations/sql/retention.js"
import { type HistoryItem, OperationHistory } from "../../packages/server/src/rooms/OperationHistory.js"
import { eventually } from "../core/eventually.js"

const makeFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "dockwire-history-"))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Opens the history in a folder, as a server does. */
const open = async (folder: string, retention: Partial<RetentionLimits> = {}) => {
  const limits = { age: 1e12, operations: 1e9, bytes: 1e12, ...retention }
  const layer = Operations.layerWith({ atOnce: { default: 100 } }).pipe(
    Layer.provide(OperationStore.layerSink),
    Layer.provideMerge(OperationStore.layerSql({ retention: limits, retryAfter: 50 })),
    Layer.provide(layerEmbedded(folder))
  )
  const scope = await Effect.runPromise(Scope.make())
  const context = await Effect.runPromise(Layer.buildWithScope(layer, scope))
  const history = Context.get(context, OperationHistory)
  const operations = Context.get(context, Operations)
  const { status } = Context.get(context, OperationStore)
  await eventually(() => status().reason).not.toBe("It is being opened.")
  const close = () => Effect.runPromise(Scope.close(scope, Exit.void))
  onTestFinished(close)
  return {
    close,
    history,
    operations,
    status,
    start: async (steps: OperationRequest["operation"]["steps"], options: Partial<OperationRequest> = {}) => {
      const target = { configId: "web", imageName: "nginx:1" }
      const request = { operation: { kind: "test", target, steps }, targets: [], ...options }
      return (await Effect.runPromise(operations.start(request))).logId
    },
    read: async (room: string, after = 0): Promise<ReadonlyArray<HistoryItem>> => {
      await Effect.runPromise(history.flush)
      const batches = await Effect.runPromise(Stream.runCollect(history.read(room, after)))
      for (const batch of batches) expect(batch.length).toBeLessThanOrEqual(1_000)
      return Chunk.toReadonlyArray(batches).flat()
    },
    get: (logId: string) => Effect.runPromise(operations.get(logId)),
    ended: (logId: string) =>
      eventually(async () => (await Effect.runPromise(operations.get(logId))).ended_at).toBeTypeOf("string")
  }
}

const line = (text: string) => Operation.line(text, "stdout")
const lines = (count: number) =>
  Stream.rechunk(
    Stream.map(Stream.range(1, count), (index) => line(`line ${index}`)),
    100
  )
const result = Stream.make(Operation.result(1))

const texts = (items: ReadonlyArray<HistoryItem>) =>
  items.flatMap((item) => (item._tag === "Stored" && item.event._tag === "OperationLine" ? [item.event.text] : []))
const eventsOf = (items: ReadonlyArray<HistoryItem>): ReadonlyArray<OperationEvent> =>
  items.flatMap((item) => (item._tag === "Stored" ? [item.event] : []))
const numbered = (count: number) => Array.from({ length: count }, (_, index) => `line ${index + 1}`)

describe("the history of operations", () => {
  it("is read from any place, in the order of events, by run and by room, also after a restart", async () => {
    const folder = await makeFolder()
    let server = await open(folder)
    const states = Stream.map(Stream.range(1, 500), (current) => ({
      _tag: "Progress" as const,
      id: `layer ${current % 3}`,
      status: "Downloading",
      current,
      total: 500
    }))
    const steps = lines(5_000).pipe(
      Stream.concat(states),
      Stream.concat(Stream.make(line("last"))),
      Stream.concat(result)
    )
    const options = { targets: ["stack:web"], startedBy: "ci", idempotencyKey: "key", asked: { a: 1 } }
    const [one, two] = [
      await server.start(steps, options),
      await server.start(lines(3_000).pipe(Stream.concat(result)))
    ]
    await Promise.all([server.ended(one), server.ended(two)])

    const check = async () => {
      const whole = await server.read(`operation_${one}`)
      expect(texts(whole)).toEqual([...numbered(5_000), "last"])
      expect(eventsOf(whole).map(({ seq }) => seq)).toEqual([
        ...Array.from({ length: 5_000 }, (_, index) => index + 1),
        5_498,
        5_499,
        5_500,
        5_501,
        5_502
      ])
      expect(eventsOf(whole).at(-1)).toMatchObject({ _tag: "OperationCompleted", target: { configId: "web" } })
      expect(texts(await server.read(`operation_${one}`, 4_321))).toEqual([...numbered(5_000).slice(4_321), "last"])
      for (const room of ["docker_logs", "docker_config_web", "docker_image_nginx_1"]) {
        const all = await server.read(room)
        const orders = all.map((item) => (item._tag === "Stored" ? item.order : item.from))
        expect(orders).toEqual(orders.toSorted((a, b) => a - b))
        for (const [id, count] of [
          [one, 5_000],
          [two, 3_000]
        ] as const) {
          const own = all.filter((item) => item._tag === "Stored" && item.event.logId === id)
          expect(texts(own).slice(0, count)).toEqual(numbered(count))
        }
        const middle = orders[4_000] ?? 0
        expect(await server.read(room, middle)).toEqual(all.slice(4_001))
      }
      expect(await server.read("docker_config_other")).toEqual([])
      expect(await server.get(one)).toMatchObject({
        status: "completed",
        started_by: "ci",
        targets: ["stack:web"],
        lines: 5_001,
        progress: [
          { id: "layer 0", current: 498 },
          { id: "layer 1", current: 499 },
          { id: "layer 2", current: 500 }
        ],
        last_lines: [...numbered(5_000).slice(-19), "last"]
      })
    }
    await check()
    const lastOrder = server.history.lastOrder()
    await server.close()

    server = await open(folder)
    expect(server.history.lastOrder()).toBe(lastOrder)
    await check()
    const began = performance.now()
    expect(texts(await server.read("docker_logs")).length).toBe(8_001)
    console.log(`8,001 lines of two runs read in ${Math.round(performance.now() - began)} ms`)
    expect(await server.start(steps, options)).toBe(one)
    expect((await stat(join(folder, "operations.db"))).mode & 0o777).toBe(0o600)
    const filters = [
      [{ text: "STACK:W" }, [one]],
      [{ target: "stack:web" }, [one]],
      [{ target: "stack:we" }, []],
      [{ status: "running" as const }, []],
      [{ limit: 1 }, [two]],
      [{ limit: 1, cursor: two }, [one]]
    ] as const
    for (const [filter, ids] of filters) {
      const { operations } = await Effect.runPromise(server.operations.list(filter))
      expect(operations.map(({ log_id }) => log_id)).toEqual(ids)
    }
  })

  it("ends what an earlier server has left unfinished, once, and the programs that it has left", async () => {
    const folder = await makeFolder()
    const first = await open(folder)
    const events = (logId: string): ReadonlyArray<LogEvent> => {
      const base = { logId, kind: "run_compose", target: { configId: "web" }, timestamp: new Date().toISOString() }
      return [
        { ...base, _tag: "OperationStarted", seq: 0 },
        { ...base, _tag: "OperationLine", seq: 1, stream: "stdout", text: "one" }
      ]
    }
    const logId = "6f1d3f3e-0000-4000-8000-000000000001"
    first.history.record(
      events(logId).filter((event): event is OperationEvent => event._tag !== "LogLine" && event._tag !== "LogMark")
    )
    await first.close()
    // It ignores SIGTERM for a moment, and has a child.
    const program = spawn("sh", ["-c", "trap '' TERM; sleep 1000 & sleep 1; trap - TERM; wait"], {
      detached: true,
      stdio: "ignore",
      env: { PATH: process.env["PATH"], "dockwire.log-id": logId }
    })
    const exited = new Promise((resolve) => program.once("exit", (code, signal) => resolve(signal ?? code)))
    onTestFinished(() => void program.kill("SIGKILL"))

    const second = await open(folder)
    await second.ended(logId)
    expect(await exited).not.toBe(0)
    const items = await second.read(`operation_${logId}`)
    expect(eventsOf(items).filter(isOperationEnded)).toMatchObject([
      {
        _tag: "OperationInterrupted",
        detail: expect.stringMatching(/^The server ended while this was running\. .*ended\.$/)
      }
    ])
    expect(items.filter(({ _tag }) => _tag === "Lost")).toMatchObject([{ from: 2, to: undefined }])
    const seen = await second.read(`operation_${logId}`, 900)
    expect(seen.map(({ _tag }) => _tag)).toEqual(["Lost", "Stored"])
    await second.close()
    const third = await open(folder)
    expect(await third.read(`operation_${logId}`)).toEqual(items)
  })

  it("deletes what is too old or too many, and gives the space back", async () => {
    const folder = await makeFolder()
    const size = async () => (await stat(join(folder, "operations.db"))).size
    let server = await open(folder)
    const steps = Stream.concat(
      Stream.map(Stream.range(1, 2_000), (index) => line(`${index} ${"x".repeat(200)}`)),
      result
    )
    const ids: Array<string> = []
    for (let run = 0; run < 4; run++) {
      ids.push(await server.start(steps))
      await server.ended(ids[run] ?? "")
    }
    await server.close()
    const before = await size()
    server = await open(folder, { operations: 2 })
    const left = async () =>
      (await Effect.runPromise(server.operations.list())).operations.map(({ log_id }) => log_id).toReversed()
    await eventually(left).toEqual(ids.slice(-2))
    await eventually(size).toBeLessThan(before * 0.75)
    expect(await server.read(`operation_${ids[0]}`, 5)).toMatchObject([{ _tag: "Lost", from: 6 }])
    await server.close()
    server = await open(folder, { bytes: 800_000 })
    await eventually(left).toEqual(ids.slice(-1))
    await server.close()
    server = await open(folder, { age: 0 })
    await eventually(left).toEqual([])
  })

  it("sets a damaged file and one of a later version aside, and begins a new one", async () => {
    const damages: ReadonlyArray<readonly [name: string, damage: (file: string) => Promise<unknown>]> = [
      ["damaged", (file) => writeFile(file, "This is no database. ".repeat(1_000))],
      ["damaged", (file) => truncate(file, 8_192)]
    ]
    for (const [name, damage] of damages) {
      const folder = await makeFolder()
      const first = await open(folder)
      const logId = await first.start(Stream.concat(lines(2_000), result))
      await first.ended(logId)
      await first.close()
      await damage(join(folder, "operations.db"))
      const second = await open(folder)
      expect(second.status()).toMatchObject({ available: true, reason: expect.stringContaining(`is ${name}`) })
      const next = await second.start(Stream.concat(lines(10), result))
      await second.ended(next)
      expect(texts(await second.read(`operation_${next}`))).toEqual(numbered(10))
      expect((await readdir(folder)).filter((file) => file.startsWith(`operations.db.${name}-`))).not.toEqual([])
      await second.close()
    }
  })

  it("goes on in memory while another server has the file, and stores again as soon as it can", async () => {
    const folder = await makeFolder()
    const first = await open(folder)
    const second = await open(folder)
    expect(second.status()).toMatchObject({
      available: false,
      reason: expect.stringContaining("in use by another server")
    })
    const logId = await second.start(Stream.concat(lines(10), result))
    await second.ended(logId)
    expect(await second.get(logId)).toMatchObject({ status: "completed", lines: 10 })
    await first.close()
    await eventually(() => second.status().available).toBe(true)
    const next = await second.start(Stream.concat(lines(10), result))
    await second.ended(next)
    expect(texts(await second.read(`operation_${next}`))).toEqual(numbered(10))
  })
})
