import type { LogLine, LogMark } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import {
  type KeptHit,
  type KeptItem,
  type KeptLine,
  KeptLogElement
} from "../../../packages/server/src/Api/logs/KeptLogElement.js"
import { makeApiCaller } from "../../../packages/server/src/client/api/ApiCaller.js"
import { poll } from "../wireClient.js"
import { storeProgram } from "../store/storeProgram.js"
import { type ApiAnswer, type ApiServer, readLines, startApi } from "./apiServer.js"

const json = "application/x-ndjson"
const nowhere = "unix:///nonexistent/docker.sock"

const [first, second, db] = ["a".repeat(64), `b${"1".repeat(63)}`, "d".repeat(64)]
const web = "box/shop/web"

/** Three lines a second, of which the last two are equal in everything. */
const timeOf = (index: number): string =>
  `${new Date(1_790_000_000_000 + Math.floor(index / 3) * 1_000).toISOString().slice(0, 19)}.${index % 3 === 0 ? "000000001" : "999999999"}Z`

const line = (containerId: string, index: number, text: string): LogLine => ({
  _tag: "LogLine",
  containerId,
  stream: index % 5 === 4 ? "stderr" : "stdout",
  timestamp: timeOf(index),
  text
})

const lines = (containerId: string, count: number, start: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => line(containerId, start + index, text(index)))

const textOf = (index: number): string => (index % 3 === 0 ? `ERROR request ${index} status=500` : "same")

let server: ApiServer
let without: ApiServer

const append = (
  containerId: string,
  source: { readonly project?: string; readonly name: string },
  elements: ReadonlyArray<LogLine | LogMark>,
  after = 0
) =>
  Effect.runPromise(
    server.logs
      .append({ source: { engine: "box", ...source }, containerId, containerName: `${source.name}-1`, after, elements })
      // What comes faster than the disk takes it is refused.
      .pipe(Effect.retry({ times: 100, schedule: Schedule.spaced("50 millis") }))
  )

beforeAll(async () => {
  ;[server, without] = await Promise.all([
    startApi({
      endpoint: nowhere,
      keepLogs: { program: await storeProgram(), sourceBytes: 1e12, bytes: 1e12, age: 1e14 }
    }),
    startApi({ endpoint: nowhere })
  ])
  const removed = { _tag: "LogMark", mark: "removed", containerId: first, timestamp: timeOf(3_000) } as const
  await append(first, { project: "shop", name: "web" }, [...lines(first, 2_400, 0, textOf), removed])
  await append(second, { project: "shop", name: "web" }, lines(second, 600, 3_000, textOf))
  await append(
    db,
    { name: "db" },
    lines(db, 50, 0, (index) => `{"level":"warn","took":${index}}`)
  )
})
afterAll(() => Promise.all([server?.stop(), without?.stop()]))

const decode = Schema.decodeUnknownSync(Schema.Array(KeptLogElement), { onExcessProperty: "error" })

const get = (query: Readonly<Record<string, string | number | ReadonlyArray<string>>>): Promise<ApiAnswer> => {
  const parameters = Object.entries(query).flatMap(([name, value]) =>
    (typeof value === "object" ? value : [value]).map((each) => [name, String(each)])
  )
  return server.ask("GET", `/api/logs?${new URLSearchParams(parameters)}`, { accept: json })
}

const read = async (query: Parameters<typeof get>[0]): Promise<ReadonlyArray<KeptItem>> =>
  decode((await get(query)).json).flatMap((element) => {
    if (element._tag === "Failed" || element._tag === "SearchWaiting" || element._tag === "SearchFound") {
      throw new Error(`There is a ${element._tag} in a range.`)
    }
    return [element]
  })

const search = async (query: Parameters<typeof get>[0]) => {
  const elements = decode((await get(query)).json)
  const found = elements.flatMap((element) => (element._tag === "SearchFound" ? [element] : []))
  const progress = found.at(-1)?.progress
  if (progress === undefined) throw new Error("The search has found nothing, not even its end.")
  return { hits: found.flatMap(({ hits }): ReadonlyArray<KeptHit> => hits), progress }
}

const keptLines = (items: ReadonlyArray<KeptItem>): ReadonlyArray<KeptLine> =>
  items.flatMap((item) => (item._tag === "StoredLine" ? [item] : []))
const links = (items: ReadonlyArray<KeptItem>) => keptLines(items).map(({ link }) => link)

describe("kept logs over HTTP", () => {
  it("are read in both directions, by cursor, time, container and link, each line once", async () => {
    const sources = (await server.ask("GET", "/api/logs/sources")).json
    expect(sources).toMatchObject([
      { id: web, engine: "box", project: "shop", name: "web", records: 3_001, generations: [{}, {}] },
      {
        id: "box/db",
        name: "db",
        records: 50,
        generations: [{ containerId: db, containerName: "db-1", lastNumber: 50 }]
      }
    ])
    const all = await read({ source: web })
    expect(all.map(({ _tag }) => _tag).filter((tag) => tag !== "StoredLine")).toEqual([
      "GenerationMark",
      "StoredMark",
      "GenerationMark"
    ])
    expect(keptLines(all).map(({ text }) => text)).toEqual([
      ...Array.from({ length: 2_400 }, (_, index) => textOf(index)),
      ...Array.from({ length: 600 }, (_, index) => textOf(index))
    ])
    const known = links(all)
    expect(new Set(known).size).toBe(3_000)
    expect(links(await read({ source: web, direction: "backward" }))).toEqual(known.toReversed())
    expect(links(await read({ container: first }))).toEqual(known)
    expect(links(await read({ container: "web-1", limit: 7 }))).toEqual(known.slice(0, 7))
    const cursor = keptLines(all)[1_499]?.cursor ?? ""
    expect(links(await read({ source: web, cursor, limit: 900 }))).toEqual(known.slice(1_500, 2_400))
    expect(links(await read({ source: web, cursor, direction: "backward", limit: 20 }))).toEqual(
      known.slice(1_479, 1_499).toReversed()
    )
    expect(links(await read({ source: web, from: timeOf(30), to: timeOf(90) }))).toEqual(known.slice(30, 90))
    for (const at of [0, 1, 2, 3, 1_001, 2_399, 2_400, 2_999]) {
      const around = known[at] ?? ""
      expect(links(await read({ source: web, around, limit: 4 })), around).toEqual(
        known.slice(at, at + 4).slice(0, at === 2_399 || at === 2_398 ? 3 : 4)
      )
      const back = await read({ around, direction: "backward" })
      expect(links(back)).toEqual(known.slice(0, at + 1).toReversed())
      expect(back.at(-1)).toMatchObject({ _tag: "GenerationMark", containerId: first })
    }
  })

  it("are text, or a file to save, for those who ask for it", async () => {
    const path = `/api/logs?source=${web}&from=${timeOf(2_397)}`
    const text = await server.ask("GET", `${path}&timestamps`)
    expect(text.headers.get("content-type")).toContain("text/plain")
    expect(text.text.split("\n").slice(0, 6)).toEqual([
      `${timeOf(2_397)} ${textOf(2_397)}`,
      `${timeOf(2_398)} same`,
      `${timeOf(2_399)} same`,
      `-- ${timeOf(3_000)} removed`,
      `-- ${timeOf(3_000)} the log of web-1 (${second.slice(0, 12)}) begins`,
      `${timeOf(3_000)} ERROR request 0 status=500`
    ])
    const saved = await server.ask("GET", `/api/logs?source=${web}&download=true&format=ndjson`)
    expect(saved.headers.get("content-disposition")).toBe('attachment; filename="shop-web.ndjson"')
    expect(links(await read({ source: web }))).toEqual(
      decode(saved.json).flatMap((item) => (item._tag === "StoredLine" ? [item.link] : []))
    )
    const plain = await server.ask("GET", `${path}&download=1&format=text`, { accept: json })
    expect(plain.headers.get("content-disposition")).toBe('attachment; filename="shop-web.log"')
    expect(plain.text).toContain("\nsame\n-- removed\n")
  })

  it("are searched, the newest first, with progress, context and a cursor", async () => {
    const { hits, progress } = await search({ q: "request /status=\\d00/", limit: 3, context: 1 })
    expect(progress).toMatchObject({ matches: 3, done: "limit", unreadable: 0 })
    expect(hits.map(({ line: { containerId, text } }) => [containerId, text])).toEqual(
      [597, 594, 591].map((index) => [second, textOf(index)])
    )
    expect(hits[0]).toMatchObject({ before: [{ text: "same" }], after: [{ text: "same" }] })
    const known = keptLines(await read({ source: web })).toReversed()
    expect(hits[0]?.before).toEqual([known[3]])
    const rest = await search({ q: "request", cursor: progress.cursor ?? "" })
    expect(rest.hits.length).toBe(1_000 - 3)
    expect(rest.progress).toMatchObject({ done: "end" })
    const counts = async (query: Parameters<typeof get>[0]) => (await search(query)).progress.matches
    expect(await counts({ q: "", source: ["d?", "no-such"] })).toBe(50)
    expect(await counts({ q: "took>=40", container: db })).toBe(10)
    expect(await counts({ q: "level:warn source:db" })).toBe(50)
    expect(await counts({ q: `from:${timeOf(30)} request`, from: timeOf(0), to: timeOf(60) })).toBe(10)
    expect(await counts({ q: "", source: "no-such" })).toBe(0)
    const histogram = (await server.ask("GET", `/api/logs/histogram?source=web&buckets=10`)).json
    expect(histogram).toMatchObject({ counted: 3_000, uncounted: 0 })
    expect(JSON.stringify(histogram)).toContain('"error":')
  })

  it("refuse what is wrong, and name it", async () => {
    const link = links(await read({ source: web, limit: 1 }))[0] ?? ""
    const wrong: ReadonlyArray<readonly [string, number, object]> = [
      ["", 400, { _tag: "InvalidRequest", field: "source" }],
      [`source=${web}&source=db`, 400, { field: "source", value: `${web}, db` }],
      [`source=${web}&container=${db}`, 400, { field: "container" }],
      [`source=${web}&cursor=1.2`, 400, { field: "cursor", value: "1.2" }],
      [`source=${web}&cursor=1.2.3.4&around=${link}`, 400, { field: "cursor" }],
      [`source=${web}&from=noon`, 400, { field: "from", value: "noon" }],
      [`source=${web}&limit=0`, 400, { field: "limit", value: "0" }],
      [`source=${web}&context=1`, 400, { field: "context", value: "1" }],
      [`source=${web}&direction=up`, 400, { field: "direction", value: "up" }],
      [`source=${web}&around=there`, 400, { field: "around", value: "there" }],
      ["source=box/none", 404, { _tag: "LogSourceNotFound", source: "box/none" }],
      ["container=none", 404, { _tag: "LogSourceNotFound", source: "none" }],
      [`around=${link}@77`, 404, { _tag: "LineNotFound", link: `${link}@77` }],
      [`around=${link.replace(first, second)}`, 404, { _tag: "LineNotFound" }],
      ["q=/(/", 400, { field: "regex", value: "(" }],
      ["q=x&from=noon", 400, { field: "from", value: "noon" }],
      ["q=x&cursor=abc", 400, { field: "cursor", value: "abc" }],
      ["q=x&direction=forward", 400, { field: "direction" }],
      ["q=source:db&source=web", 400, { field: "q", value: "db" }]
    ]
    for (const [query, status, body] of wrong) {
      const answer = await server.ask("GET", `/api/logs?${query}`)
      expect([query, answer.status, answer.json]).toMatchObject([query, status, body])
    }
    const many = await server.ask("GET", "/api/logs/histogram?buckets=1001")
    expect([many.status, many.json]).toMatchObject([400, { field: "buckets" }])
    for (const path of ["/sources", "/histogram", `?source=${web}`, "?container=x", "?q=x", `?around=${link}`]) {
      const answer = await without.ask("GET", `/api/logs${path}`)
      expect([path, answer.status, answer.json]).toMatchObject([
        path,
        503,
        { _tag: "LogStoreUnavailable", message: expect.stringContaining("keeps no container logs") }
      ])
    }
  })

  it("are searched no longer than somebody reads", async () => {
    const text = "y".repeat(2_000)
    for (let after = 0; after < 15_000; after += 1_000) {
      await append(
        "e".repeat(64),
        { name: "long" },
        lines("e".repeat(64), 1_000, after, () => text),
        after
      )
    }
    // Long lines are read few at a time, and each once.
    const numbers = async (limit: number) =>
      keptLines(await read({ source: "box/long", limit })).map(({ number }) => number)
    for (const limit of [1_700, 3_000]) {
      expect(await numbers(limit)).toEqual(Array.from({ length: limit }, (_, index) => index + 1))
    }
    const caller = makeApiCaller({ url: server.url, token: server.token })
    const held = await Promise.all(
      [0, 1].map(() => server.open("GET", "/api/logs?q=yyy&source=long", { accept: json }))
    )
    const waiting = readLines(await server.open("GET", "/api/logs?q=took>=40", { accept: json }))
    await poll("the third search waits", async () => waiting.lines.length > 0)
    expect(waiting.lines).toEqual(['{"_tag":"SearchWaiting","ahead":2}'])
    await held[0]?.body?.cancel()
    await waiting.ended
    expect(JSON.parse(waiting.lines.at(-1) ?? "")).toMatchObject({ progress: { matches: 10, done: "end" } })
    await held[1]?.body?.cancel()
    const found = await caller.lines("logs.read", { query: { q: "took>=40", source: ["db"] } })
    if (!found.ok) throw new Error(found.error.message)
    const tags: Array<string> = []
    for await (const elements of found.value) tags.push(...elements.map(({ _tag }) => _tag))
    expect(tags.at(-1)).toBe("SearchFound")
  })
})
