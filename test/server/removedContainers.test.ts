import type { LogLine, LogMark } from "@dockwire/core"
import type { Wire } from "@dockwire/server"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, expect, it } from "vitest"
import { KeptLogElement } from "../../packages/server/src/Api/logs/KeptLogElement.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { startTestContainer } from "../engine/testContainer.js"
import { type InProcessServer, startInProcess } from "./inProcessServer.js"
import { storeProgram } from "./store/storeProgram.js"
import { connectWire, isEvent, lastPosition, poll, type WireClient } from "./wireClient.js"

const decode = Schema.decodeUnknownSync(Schema.Array(KeptLogElement), { onExcessProperty: "error" })

const cleanups: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

let dataDir = ""
let server: InProcessServer

const start = async (sources: ReadonlyArray<string>): Promise<InProcessServer> =>
  startInProcess({
    endpoint: testEngine().endpoint,
    dataDir,
    keepLogs: { sources, sourceBytes: 1e12, bytes: 1e12, age: 1e14, program: await storeProgram() }
  })

const connect = async (at: InProcessServer): Promise<WireClient> => {
  const client = await connectWire(at.url, { token: at.token })
  cleanups.push(client.close)
  return client
}

const ids = { old: "c".repeat(64), newest: "d".repeat(64), unfinished: "e".repeat(64) }
const name = `removed-${Math.random().toString(36).slice(2)}`
const roomOf = (id: string) => `container_logs_${id}`

const timeOf = (index: number): string => `2026-11-01T12:00:00.${String(Math.floor(index / 3)).padStart(9, "0")}Z`

/** Equal lines in threes, and marks. */
const logOf = (containerId: string, count: number, last: "removed" | "stopped"): ReadonlyArray<LogLine | LogMark> => [
  { _tag: "LogMark", mark: "started", containerId, timestamp: timeOf(0) },
  ...Array.from({ length: count }, (_, index): LogLine => ({
    _tag: "LogLine",
    containerId,
    stream: "stdout",
    timestamp: timeOf(index),
    text: `${containerId[0]} ${Math.floor(index / 3)}`
  })),
  { _tag: "LogMark", mark: last, containerId, timestamp: timeOf(count) }
]
const texts = (containerId: string, from: number, count: number): ReadonlyArray<string> =>
  logOf(containerId, count, "removed")
    .flatMap((element) => (element._tag === "LogLine" ? [element.text] : []))
    .slice(from)

const marks = (client: WireClient) => client.messages.filter(isEvent("container_log_mark")).map(({ data }) => data.mark)
const isRemoval = ({ data }: Wire.ContainerLogMarkMessage) => data.mark === "removed"

describeEngine("the room of a container that was removed", () => {
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "dockwire-removed-"))
    server = await start(["none-of-them"])
    const append = (containerId: string, after: number, elements: ReadonlyArray<LogLine | LogMark>) =>
      Effect.runPromise(
        server.logs.append({ source: { engine: "box", name }, containerId, containerName: name, after, elements })
      )
    await append(ids.old, 0, logOf(ids.old, 300, "removed"))
    await append(ids.newest, 0, logOf(ids.newest, 2_500, "removed"))
    await append(ids.unfinished, 0, logOf(ids.unfinished, 3, "stopped"))
  })
  afterAll(async () => {
    await server?.stop()
    await rm(dataDir, { recursive: true, force: true })
  })

  it("has what is kept of it, by id and by name, from any place on, and then its end", async () => {
    const client = await connect(server)
    client.send({ event: "stream_container_logs", data: { container_id: ids.old, tail: 10 } })
    await client.waitFor(isEvent("container_log_mark", isRemoval))
    expect(client.lines(roomOf(ids.old))).toEqual(texts(ids.old, 290, 300))
    const [first] = client.messages.filter(isEvent("joined"))
    expect(first?.data).toMatchObject({ room: roomOf(ids.old), canonical: roomOf(ids.old), recovered: true })
    expect(client.messages.filter(isEvent("gap"))).toEqual([])
    // By name it is the newest one. Neither `join` nor a second `join` sends anything twice.
    const named = await connect(server)
    for (const _ of [1, 2]) named.send({ event: "join", data: { room: `container_logs_${name}` } })
    await named.waitFor(isEvent("container_log_mark", isRemoval))
    expect(named.lines()).toEqual(texts(ids.newest, 2_400, 2_500))
    expect(named.messages.findIndex(isEvent("joined"))).toBeLessThan(named.messages.findIndex(isEvent("docker_log")))
    await named.until(() => named.messages.filter(isEvent("joined")).length === 2)
    expect(named.messages.filter(isEvent("joined"))[1]?.data).toMatchObject({ canonical: roomOf(ids.newest) })
    // All of it, cut where a frame ends.
    const all = await connect(server)
    all.send({ event: "stream_container_logs", data: { container_id: ids.newest, since: "2026-11-01T12:00:00Z" } })
    await all.waitFor(isEvent("container_log_mark", isRemoval))
    expect(all.lines()).toEqual(texts(ids.newest, 0, 2_500))
    expect(marks(all)).toEqual(["started", "removed"])
    const frames = all.messages.filter(isEvent("docker_log"))
    expect(frames.length).toBeGreaterThan(1)
    const back = await connect(server)
    back.send({
      event: "stream_container_logs",
      data: { container_id: name, position: frames[0]?.position ?? "" }
    })
    await back.waitFor(isEvent("container_log_mark", isRemoval))
    expect(back.lines()).toEqual(texts(ids.newest, frames[0]?.data.lines.length ?? 0, 2_500))
    expect(back.messages.filter(isEvent("joined"))[0]?.data.recovered).toBe(true)
    // At the end there is nothing more, and one leaves by the name that one came with.
    const end = await connect(server)
    const position = lastPosition(all, roomOf(ids.newest)) ?? ""
    end.send({ event: "join", data: { room: `container_logs_${name}`, position } })
    await end.waitFor(isEvent("joined"))
    end.send({ event: "leave", data: { room: `container_logs_${name}` } })
    await end.waitFor(isEvent("left"))
    expect([end.lines(), marks(end)]).toEqual([[], []])
  })

  it("says what of it is not kept", async () => {
    const client = await connect(server)
    client.send({ event: "stream_container_logs", data: { container_id: ids.unfinished, tail: 0 } })
    const gap = await client.waitFor(isEvent("gap"))
    expect(gap.data).toMatchObject({ reason: "The container was removed, and the end of its log is not kept." })
    expect([client.lines(), marks(client)]).toEqual([[], ["stopped"]])
    const unknown = await connect(server)
    unknown.send({ event: "stream_container_logs", data: { container_id: `${name}-other` } })
    expect((await unknown.waitFor(isEvent("error"))).data).toMatchObject({ about: `${name}-other` })
    const strange = await connect(server)
    strange.send({ event: "join", data: { room: roomOf(ids.old), position: "abc.7" } })
    expect((await strange.waitFor(isEvent("joined"))).data.recovered).toBe(false)
    expect((await strange.waitFor(isEvent("gap"))).data.reason).toContain("can't tell which lines are missing")
    expect(strange.lines()).toEqual([])
  })

  it("goes on from a place in the engine's log, over a restart of the server and the removal, each line once", async () => {
    const container = `${name}-live`
    const script =
      "trap 'echo last' USR1; i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo line $i; done; while true; do usleep 20000; done"
    const made = await startTestContainer({
      endpoint: testEngine().endpoint,
      name: container,
      cmd: ["sh", "-c", script]
    })
    cleanups.push(made.remove)
    await server.stop()
    server = await start([container])
    const client = await connect(server)
    client.send({ event: "stream_container_logs", data: { container_id: container, tail: 1_000 } })
    await client.until(() => client.lines().length === 200)
    const positions = client.messages.filter(isEvent("docker_log")).map(({ data, position }) => ({
      position: position ?? "",
      last: data.lines.at(-1)?.[2]
    }))
    await client.cut()
    const kill = `${server.url}/api/containers/${container}/kill?signal=SIGUSR1`
    await fetch(kill, { method: "POST", headers: { authorization: `Bearer ${server.token}` } })
    await poll("the last line is there", async () => (await made.output(1)).includes("last"))
    await made.remove()
    await poll("the removal is kept", async () => {
      const kept = (await Effect.runPromise(server.logs.sources)).find((source) => source.name === container)
      return (kept?.records ?? 0) >= 203
    })
    await server.stop()
    server = await start([container])
    const all = Array.from({ length: 201 }, (_, index) => (index === 200 ? "last" : `line ${index + 1}`))
    for (const { last, position } of positions) {
      const back = await connect(server)
      back.send({ event: "stream_container_logs", data: { container_id: container, position } })
      await back.waitFor(isEvent("container_log_mark", isRemoval))
      expect(back.lines()).toEqual(all.slice(all.indexOf(last ?? "") + 1))
      expect(marks(back)).toEqual(["stopped", "removed"])
      expect(back.messages.filter(isEvent("joined"))[0]?.data).toMatchObject({
        recovered: true,
        canonical: roomOf(made.id)
      })
      expect(back.messages.filter(isEvent("gap"))).toEqual([])
    }
  })

  it("has nothing of one that still exists and is not kept: its log is searched in the engine", async () => {
    const made = await startTestContainer({
      endpoint: testEngine().endpoint,
      name: `${name}-unkept`,
      cmd: [
        "sh",
        "-c",
        "i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo line $i; echo ERROR $i >&2; done; sleep 1; echo end; sleep 1000"
      ]
    })
    cleanups.push(made.remove)
    await poll("all lines are there", async () => /^line 300$[^]*^end$/m.test(await made.output()))
    const find = async (query: Readonly<Record<string, string>>) => {
      const url = `${server.url}/api/logs?${new URLSearchParams({ container: made.name, ...query })}`
      const response = await fetch(url, { headers: { authorization: `Bearer ${server.token}` } })
      const found = decode(
        (await response.text())
          .split("\n")
          .flatMap((line): ReadonlyArray<unknown> => (line === "" ? [] : [JSON.parse(line)]))
      )
      const last = found.at(-1)
      return {
        status: response.status,
        hits: found.flatMap((element) => (element._tag === "SearchFound" ? element.hits : [])),
        progress: last?._tag === "SearchFound" ? last.progress : undefined
      }
    }
    const textsOf = ({ hits }: Awaited<ReturnType<typeof find>>) => hits.map(({ line }) => line.text)
    const first = await find({ q: "/^line .*7$/", limit: "5", context: "1" })
    expect(textsOf(first)).toEqual([297, 287, 277, 267, 257].map((number) => `line ${number}`))
    expect(first.hits[0]?.before.length).toBe(1)
    expect(first.hits[0]?.after.length).toBe(1)
    expect(first.progress).toMatchObject({ matches: 5, done: "limit" })
    const rest = await find({ q: "/^line .*7$/", cursor: first.progress?.cursor ?? "" })
    expect(textsOf(rest)).toEqual(Array.from({ length: 25 }, (_, index) => `line ${247 - 10 * index}`))
    expect(rest.progress).toMatchObject({ matches: 25, done: "end" })
    expect(textsOf(await find({ q: "stream:stderr level:error" })).length).toBe(300)
    const links = (await find({ q: "" })).hits.map(({ line }) => line.link)
    expect(new Set(links).size).toBe(601)
    const wrong = await fetch(`${server.url}/api/logs?q=x&cursor=1.2.3.4&container=${made.name}`, {
      headers: { authorization: `Bearer ${server.token}` }
    })
    expect([wrong.status, await wrong.json()]).toMatchObject([400, { field: "cursor", value: "1.2.3.4" }])
  })
})
