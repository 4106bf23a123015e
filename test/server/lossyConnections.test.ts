import { Operation } from "@dockwire/core"
import { MemoryEngine } from "@dockwire/core/MemoryEngine"
import { defaultHubOptions, Operations, Server } from "@dockwire/server"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { eventually } from "../core/eventually.js"
import { freePort } from "../engine/freePort.js"
import { cutAgainAndAgain, type LossyClient, openLossyClients } from "./lossy/lossyClients.js"

const token = "lossy"
const lineCount = 6_000
let dataDir: string
let port: number
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "dockwire-lossy-"))
  port = await freePort()
})
afterAll(() => rm(dataDir, { recursive: true, force: true }))

/** A server whose rooms keep so little that most is read from the history. */
const start = async () => {
  const layer = Server.layerWithDocker({
    host: "127.0.0.1",
    port,
    dataDir,
    insecure: false,
    keepLogs: false,
    publicOrigins: [],
    token: Redacted.make(token),
    hub: { ring: { ...defaultHubOptions.ring, lines: 300 } }
  }).pipe(Layer.provide(MemoryEngine.layer({ containers: [] })))
  const scope = await Effect.runPromise(Scope.make())
  const context = await Effect.runPromise(Layer.buildWithScope(layer, scope))
  return {
    operations: Context.get(context, Operations),
    stop: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

const numbers = Stream.range(1, lineCount / 20).pipe(
  Stream.schedule(Schedule.spaced("5 millis")),
  Stream.flatMap((batch) =>
    Stream.fromIterable(Array.from({ length: 20 }, (_, index) => Operation.line(`number ${batch * 20 - 19 + index}`)))
  ),
  Stream.rechunk(20)
)

const operation = { kind: "print", target: {}, steps: Stream.concat(numbers, Stream.make(Operation.result(1))) }
const cutting = { cuts: 40, pause: 8, random: Math.random }

/** Waits until the operation has ended for all; returns what is wrong. */
const results = async (clients: ReadonlyArray<LossyClient>) => {
  await eventually(() => clients.every(({ check }) => check.ends.length > 0)).toBe(true)
  await Promise.all(clients.map((client) => client.close()))
  return clients.map(({ check: { ends, gaps, last, wrong }, name }) => ({ name, ends, gaps, last, wrong }))
}

describe("clients that lose their connection again and again", () => {
  it("get each line of an operation once, also if the server restarts", async () => {
    let server = await start()
    const open = async () => {
      const { room } = await Effect.runPromise(server.operations.start({ operation, targets: [] }))
      const subscribe = { event: "join", data: { room } } as const
      return openLossyClients(8, { url: `http://127.0.0.1:${port}`, token, room, subscribe })
    }
    let clients = await open()
    await cutAgainAndAgain(clients, cutting)
    const right = { name: expect.any(String), gaps: 0, wrong: [] }
    for (const result of await results(clients)) {
      expect(result).toEqual({ ...right, ends: ["completed"], last: lineCount })
    }

    clients = await open()
    await cutAgainAndAgain(clients, cutting)
    await server.stop()
    server = await start()
    await cutAgainAndAgain(clients, cutting)
    const interrupted = await results(clients)
    const last = interrupted[0]?.last
    expect(last).toBeGreaterThan(0)
    for (const result of interrupted) expect(result).toEqual({ ...right, ends: ["interrupted"], last })
    await server.stop()
  })
})
