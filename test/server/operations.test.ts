import { InvalidRequest, Operation, type Operation as OperationOf } from "@dockwire/core"
import { MemoryEngine } from "@dockwire/core/MemoryEngine"
import { type OperationRequest, Operations, Server } from "@dockwire/server"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { eventually } from "../core/eventually.js"
import { jsonAt } from "../engine/engineRequest.js"

const token = "operations"
let scope: Scope.CloseableScope
let context: Context.Context<Server | Operations>
let dataDir: string

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "dockwire-operations-"))
  const server = Server.layerWithDocker({
    host: "127.0.0.1",
    port: 0,
    dataDir,
    insecure: false,
    keepLogs: false,
    publicOrigins: [],
    token: Redacted.make(token),
    operations: { atOnce: { default: 50, queued: 2 } }
  }).pipe(Layer.provide(MemoryEngine.layer({ containers: [] })))
  scope = await Effect.runPromise(Scope.make())
  context = await Effect.runPromise(Layer.buildWithScope(server, scope))
})

afterAll(async () => {
  await Effect.runPromise(Scope.close(scope, Exit.void))
  await rm(dataDir, { recursive: true, force: true })
})

const operations = () => Context.get(context, Operations)

const request = async (path: string, { accept, method = "GET" }: { accept?: string; method?: string } = {}) => {
  const response = await fetch(`${Context.get(context, Server).url}/api/operations${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(accept === undefined ? {} : { accept }) }
  })
  const text = await response.text()
  const isJson = response.headers.get("content-type")?.includes("application/json") === true
  const body: unknown = isJson ? JSON.parse(text) : text
  return { status: response.status, body }
}

type Steps = OperationOf<number, { readonly _tag: string; readonly message: string }>["steps"]

const started = (steps: Steps, { kind = "test", ...rest }: Partial<OperationRequest> & { kind?: string } = {}) =>
  Effect.runPromise(Effect.either(operations().start({ operation: { kind, target: {}, steps }, targets: [], ...rest })))

const start = async (...options: Parameters<typeof started>): Promise<string> => {
  const result = await started(...options)
  if (result._tag === "Left") throw result.left
  return result.right.logId
}

const cancel = (logId: string) => Effect.runPromise(operations().cancel(logId))
const statusOf = async (logId: string) => jsonAt((await request(`/${logId}`)).body, "status")
const ended = (logId: string) =>
  eventually(async () => jsonAt((await request(`/${logId}`)).body, "ended_at")).toBeTypeOf("string")

const never: Steps = Stream.never

describe("Operations", () => {
  it("are listed, shown and read as text and NDJSON, with how they ended", async () => {
    const target = "image:shown:1"
    const line = (text: string) => Operation.line(text, "stdout")
    const good = await start(Stream.make(line("one"), line("two"), Operation.result(1)), {
      targets: [target],
      startedBy: "ci"
    })
    await ended(good)
    const bad = await start(
      Stream.concat(
        Stream.make(line("trying")),
        Stream.fail(new InvalidRequest({ field: "image", value: "x", detail: "It broke. Mend it." }))
      ),
      { kind: "test_bad", targets: [target] }
    )
    await ended(bad)

    const { body } = await request(`?target=${encodeURIComponent(target)}`)
    expect(body).toMatchObject({
      operations: [
        {
          log_id: bad,
          operation_type: "test_bad",
          status: "failed",
          error: expect.stringContaining("It broke"),
          lines: 1
        },
        { log_id: good, room: `operation_${good}`, status: "completed", started_by: "ci", targets: [target], lines: 2 }
      ]
    })
    const filters: ReadonlyArray<readonly [query: string, ids: ReadonlyArray<string>]> = [
      ["&kind=test_bad", [bad]],
      ["&status=completed", [good]],
      ["&text=MEND", [bad]],
      ["&text=nowhere", []]
    ]
    const ids = (page: unknown) => {
      const list = jsonAt(page, "operations")
      return Array.isArray(list) ? list.map((item: unknown) => jsonAt(item, "log_id")) : list
    }
    for (const [query, expected] of filters) {
      expect(ids((await request(`?target=${encodeURIComponent(target)}${query}`)).body), query).toEqual(expected)
    }
    const first = await request(`?target=${encodeURIComponent(target)}&limit=1`)
    const second = await request(
      `?target=${encodeURIComponent(target)}&limit=1&cursor=${String(jsonAt(first.body, "next"))}`
    )
    expect([ids(first.body), ids(second.body), jsonAt(second.body, "next")]).toEqual([[bad], [good], undefined])

    expect((await request(`/${good}`)).body).toMatchObject({ status: "completed", last_lines: ["one", "two"] })
    expect((await request(`/${good}/lines`)).body).toBe("one\ntwo\n")
    const { body: ndjson } = await request(`/${good}/lines?after=1`, { accept: "application/x-ndjson" })
    expect(JSON.parse(String(ndjson))).toMatchObject({ seq: 2, stream: "stdout", text: "two" })
  })

  it("are not started while another one runs on one of their targets, until that has ended", async () => {
    const running = await start(never, { kind: "test_first", targets: ["stack:a", "image:b"] })
    const refused = await started(never, { targets: ["image:c", "image:b"] })
    expect(refused).toMatchObject({
      left: {
        _tag: "OperationConflict",
        target: "image:b",
        log_id: running,
        room: `operation_${running}`,
        operation_type: "test_first"
      }
    })
    expect((await request(`/${running}/cancel`, { method: "POST" })).status).toBe(204)
    expect(await statusOf(running)).toBe("interrupted")
    expect((await request(`/${running}/cancel`, { method: "POST" })).status).toBe(204)
    await cancel(await start(never, { targets: ["image:c", "image:b"] }))
  })

  it("are the same ones for a repeated key, also when they have ended, and not for another request with it", async () => {
    const asked = { tag: "1", platform: "linux/amd64" }
    const targets = ["image:key"]
    const once = await start(never, { targets, idempotencyKey: "key", asked, startedBy: "one" })
    const again = () =>
      start(never, { targets, idempotencyKey: "key", asked: { platform: "linux/amd64", tag: "1" }, startedBy: "one" })
    expect(await again()).toBe(once)
    await cancel(once)
    expect(await again()).toBe(once)
    const others: ReadonlyArray<Parameters<typeof started>[1]> = [
      { targets, asked: { ...asked, tag: "2" } },
      { targets: ["image:other"], asked },
      { targets, asked, kind: "test_other" }
    ]
    for (const other of others) {
      const refused = await started(never, { ...other, idempotencyKey: "key", startedBy: "one" })
      expect(refused).toMatchObject({ left: { _tag: "IdempotencyKeyReused", log_id: once } })
    }
    const another = await start(never, { targets, idempotencyKey: "key", asked, startedBy: "two" })
    expect(another).not.toBe(once)
    await cancel(another)
  })

  it("wait for their turn and say so first, and can be cancelled while they wait", async () => {
    const gate = await Effect.runPromise(Deferred.make<void>())
    const steps: Steps = Stream.fromEffect(Effect.as(Deferred.await(gate), Operation.result(1)))
    const ids: Array<string> = []
    for (let index = 0; index < 5; index++) ids.push(await start(steps, { kind: "queued" }))
    const [first = "", second = "", third = "", fourth = "", fifth = ""] = ids
    const states = ["running", "running", "waiting", "waiting", "waiting"]
    await eventually(() => Promise.all(ids.map(statusOf))).toEqual(states)
    expect(await Promise.all([third, fourth].map(async (id) => (await request(`/${id}/lines`)).body))).toEqual([
      "Waiting: 2 queued operations are running. Position 1 in the queue.\n",
      "Waiting: 2 queued operations are running. Position 2 in the queue.\n"
    ])
    await cancel(fourth)
    expect(await statusOf(fourth)).toBe("interrupted")
    await cancel(first)
    await eventually(() => statusOf(third)).toBe("running")
    await Effect.runPromise(Deferred.succeed(gate, undefined))
    for (const id of [second, third, fifth]) await eventually(() => statusOf(id)).toBe("completed")
  })

  it("answers with what is wrong", async () => {
    const unknown = "00000000-0000-4000-8000-000000000000"
    const rows: ReadonlyArray<readonly [path: string, method: string, status: number]> = [
      [`/${unknown}`, "GET", 404],
      [`/${unknown}/lines`, "GET", 404],
      [`/${unknown}/cancel`, "POST", 404],
      ["/short", "GET", 400],
      ["?limit=0", "GET", 400],
      ["?status=asleep", "GET", 400]
    ]
    for (const [path, method, status] of rows) expect((await request(path, { method })).status, path).toBe(status)
    expect((await request(`/${unknown}`)).body).toMatchObject({
      _tag: "OperationNotFound",
      message: expect.any(String)
    })
  })
})
