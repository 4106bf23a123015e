import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, expect, it } from "vitest"
import type { StoredItem } from "../../packages/server/src/store/LogRecord.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { startTestContainer } from "../engine/testContainer.js"
import { type InProcessOptions, type InProcessServer, startInProcess } from "./inProcessServer.js"
import { storeProgram } from "./store/storeProgram.js"
import { poll } from "./wireClient.js"

const cleanups: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

const newFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "dockwire-kept-"))
  cleanups.push(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const start = async (
  dataDir: string,
  keepLogs: Omit<NonNullable<InProcessOptions["keepLogs"]>, "program"> = {}
): Promise<InProcessServer> => {
  const { endpoint } = testEngine()
  return startInProcess({ endpoint, dataDir, keepLogs: { ...keepLogs, program: await storeProgram() } })
}

/** Everything that is kept of the container with this name. */
const kept = async ({ logs }: InProcessServer, name: string): Promise<ReadonlyArray<StoredItem>> => {
  const found = (await Effect.runPromise(logs.sources)).find((source) => source.name === name)
  if (found === undefined) return []
  const batches = await Effect.runPromise(Stream.runCollect(logs.read({ source: found.id, direction: "forward" })))
  return Chunk.toReadonlyArray(batches).flat()
}

const lines = (items: ReadonlyArray<StoredItem>) =>
  items.flatMap((item) => (item._tag === "StoredLine" ? item.text : []))

const marks = (items: ReadonlyArray<StoredItem>) =>
  items.flatMap((item) => (item._tag === "StoredMark" ? item.mark.mark : item._tag === "StoredLine" ? [] : item._tag))

/** Prints `from` to `to`, then waits for the end. */
const printing = (from: number, to: number, pause = "true") =>
  `i=${from - 1}; while [ $i -lt ${to} ]; do i=$((i+1)); echo line $i; ${pause}; done`

const numbered = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => `line ${from + at}`)

describeEngine("the logs that a server keeps", () => {
  it("have each line once, over restarts of the server and of the container, and its removal and recreation", async () => {
    const { endpoint } = testEngine()
    const dataDir = await newFolder()
    const name = `kept-${Math.random().toString(36).slice(2)}`
    const sources = [name]
    const make = async (script: string) => {
      const made = await startTestContainer({ endpoint, name, cmd: ["sh", "-c", script] })
      cleanups.push(made.remove)
      return made
    }
    const first = await make(`${printing(1, 400, "usleep 5000")}; echo key=s3cret; sleep 1000`)
    let server = await start(dataDir, { sources, redact: ["key=\\S+"] })
    await poll("some lines are kept", async () => lines(await kept(server, name)).length > 20)
    await server.stop()
    await poll("the container has printed all", async () => (await first.output(1)).includes("s3cret"))
    server = await start(dataDir, { sources, redact: ["key=\\S+"] })
    await poll("all lines are kept", async () => lines(await kept(server, name)).length >= 401)
    await first.remove()
    const second = await make(printing(401, 500))
    await poll(
      "the next container's are, and its end",
      async () => marks(await kept(server, name)).includes("removed") && lines(await kept(server, name)).length >= 501
    )
    await server.stop()
    await second.remove()
    server = await start(dataDir, { sources })
    await poll("its removal is noticed", async () => marks(await kept(server, name)).at(-1) === "removed")
    const items = await kept(server, name)
    await server.stop()
    expect(lines(items)).toEqual([...numbered(1, 400), "[redacted]", ...numbered(401, 500)])
    expect(marks(items)).toEqual(["GenerationMark", "stopped", "removed", "GenerationMark", "stopped", "removed"])
  })

  it("lack what was not read in time, which is said, and what is not asked for", async () => {
    const { endpoint } = testEngine()
    const dataDir = await newFolder()
    const name = `kept-${Math.random().toString(36).slice(2)}`
    const made = await startTestContainer({ endpoint, name, cmd: ["sh", "-c", `${printing(1, 10)}; sleep 1000`] })
    cleanups.push(made.remove)
    let server = await start(dataDir, { sources: [`${name}-other`, "no-such-*"] })
    await Effect.runPromise(server.logs.opened)
    expect(await Effect.runPromise(server.logs.sources)).toEqual([])
    await server.stop()
    server = await start(dataDir, { sources: [name] })
    await poll("the lines are kept", async () => lines(await kept(server, name)).length === 10)
    await server.stop()
    await made.remove()
    server = await start(dataDir, { sources: [name] })
    await poll("its removal is noticed", async () => marks(await kept(server, name)).at(-1) === "removed")
    expect(marks(await kept(server, name))).toEqual(["GenerationMark", "gap", "removed"])
    await server.stop()
  })
})
