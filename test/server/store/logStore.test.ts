import type { LogLine } from "@dockwire/core"
import { levelOf } from "@dockwire/core/LogLevel"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { randomBytes } from "node:crypto"
import { mkdtemp, readdir, rm, stat, truncate, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { LogMatcher } from "../../../packages/server/src/search/LogMatcher.js"
import { LogQuery } from "../../../packages/server/src/search/LogQuery.js"
import {
  type LogRange,
  sourceId,
  type StoredItem,
  type StoredLine,
  type StoredMark
} from "../../../packages/server/src/store/LogRecord.js"
import { eventually } from "../../core/eventually.js"
import { makeSmallDisk } from "../../engine/smallDisk.js"
import { type ExpectedRecord, expectedOrder, expectedText, storedText } from "./expectedOrder.js"
import { hitsOf, openStore, type OpenStore } from "./openStore.js"
import { type ContainerLog, type Random, randomFrom, randomLog } from "./randomLog.js"

const makeFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "dockwire-store-"))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const seed = Number(process.env["STORE_SEED"] ?? Date.now() % 1e9)

const sources = [
  { engine: "local", project: "shop", name: "web" },
  { engine: "local", name: "redis" }
] as const

/** Three containers of one service, of which two run at once, and one by itself. */
const randomLogs = (random: Random): ReadonlyArray<ContainerLog> => {
  const start = 1_790_000_000_000_000_000n
  const hour = 3_600_000_000_000n
  return [
    randomLog(random, sources[0], "a1", 2_500, start),
    randomLog(random, sources[0], "a2", 1_000, start + 1_000_000_000n),
    randomLog(random, sources[0], "a3", 500, start + hour),
    randomLog(random, sources[1], "b1", 1_200, start + 2_000_000_000n)
  ]
}

/** Appends logs in turns, in batches of any size, some of them twice, and opens the store anew at times. */
const appendAll = async (random: Random, folder: string, logs: ReadonlyArray<ContainerLog>): Promise<OpenStore> => {
  let opened = await openStore(folder)
  const done = logs.map(() => 0)
  const append = async (index: number, after: number, to: number) => {
    const log = logs[index]
    if (log === undefined) return
    await opened.append({
      ...log,
      after,
      elements: log.elements.slice(after, to),
      position: `${log.containerId}.${to}`
    })
    done[index] = Math.max(done[index] ?? 0, to)
  }
  for (const [index] of logs.entries()) await append(index, 0, 1)
  while (logs.some(({ elements }, index) => (done[index] ?? 0) < elements.length)) {
    const index = random.below(logs.length)
    const { containerId, elements } = logs[index] ?? { containerId: "", elements: [] }
    const number = done[index] ?? 0
    const after = random.chance(0.2) ? random.below(number + 1) : number
    await append(index, after, Math.min(elements.length, after + 1 + random.below(random.chance(0.1) ? 3_000 : 200)))
    if (random.chance(0.05)) await opened.flush()
    if (!random.chance(0.02)) continue
    await opened.close()
    opened = await openStore(folder)
    const last = done[index] ?? 0
    expect(await Effect.runPromise(opened.store.resume(containerId))).toEqual(
      last === 0 ? Option.none() : Option.some({ number: last, position: `${containerId}.${last}` })
    )
  }
  return opened
}

const isRecord = (item: StoredItem): item is StoredLine | StoredMark =>
  item._tag === "StoredLine" || item._tag === "StoredMark"
const shown = (items: ReadonlyArray<StoredItem>) => items.filter(isRecord).map(storedText)

const checkReads = async (random: Random, { read }: OpenStore, records: ReadonlyArray<ExpectedRecord>) => {
  const source = sourceId(sources[0])
  const expected = records.filter((record) => record.source === source)
  const all = await read({ source, direction: "forward" })
  expect(shown(all)).toEqual(expected.map(expectedText))
  const tags = (items: ReadonlyArray<StoredItem>) => items.map(({ _tag }) => _tag)
  const reversed = (await read({ source, direction: "backward" })).toReversed()
  expect(tags(reversed)).toEqual(tags(all))
  expect(shown(reversed)).toEqual(shown(all))
  expect(all.flatMap((item) => (item._tag === "GenerationMark" ? [item.containerId] : [])).toSorted()).toEqual([
    "a1",
    "a2",
    "a3"
  ])
  expect(all.filter(({ _tag }) => _tag === "MissingRecords")).toEqual([])
  const kept = all.filter(isRecord)
  for (let round = 0; round < 5; round++) {
    const at = random.below(kept.length)
    const item = kept[at]
    const limit = 1 + random.below(1_500)
    if (item === undefined) continue
    const { cursor } = item
    const behind = await read({ source, direction: "forward", cursor, limit })
    expect(shown(behind)).toEqual(shown(kept.slice(at + 1, at + 1 + limit)))
    const before = await read({ source, direction: "backward", cursor, limit })
    expect(shown(before)).toEqual(shown(kept.slice(Math.max(0, at - limit), at).toReversed()))
    const [one, two] = [random.below(expected.length), random.below(expected.length)]
    const from = expected[one]?.element.timestamp ?? ""
    const to = expected[two]?.element.timestamp ?? ""
    const range: LogRange = { source, direction: random.chance(0.5) ? "forward" : "backward", from, to }
    const within = expected
      .filter(({ element: { timestamp } }) => timestamp >= from && timestamp < to)
      .map(expectedText)
    expect(shown(await read(range))).toEqual(range.direction === "forward" ? within : within.toReversed())
  }
}

const nanosOf = (timestamp: string): bigint =>
  BigInt(Date.parse(`${timestamp.slice(0, 19)}Z`)) * 1_000_000n + BigInt(timestamp.slice(20, 29))

const lineOf = ({ element }: ExpectedRecord): LogLine | undefined => (element._tag === "LogLine" ? element : undefined)

/** A part of a line, a word, or what is nowhere. */
const randomPhrase = (random: Random, records: ReadonlyArray<ExpectedRecord>): string => {
  const text =
    records
      .slice(random.below(records.length))
      .map(lineOf)
      .find((line) => line !== undefined)?.text ?? ""
  const start = random.below(text.length + 1)
  const phrase = text.slice(start, start + 1 + random.below(12))
  return phrase === "" || random.chance(0.1) ? "nowhere to be found" : phrase
}

const randomQuery = (random: Random, records: ReadonlyArray<ExpectedRecord>): LogQuery => {
  const phrase = randomPhrase(random, records)
  const time = () => records[random.below(records.length)]?.element.timestamp ?? ""
  const text = random.chance(0.3) ? phrase.toUpperCase() : phrase
  return new LogQuery({
    ...(random.chance(0.85) ? { text } : {}),
    ...(random.chance(0.4) ? { caseSensitive: random.chance(0.7) } : {}),
    ...(random.chance(0.1) ? { exclude: [{ text: randomPhrase(random, records) }] } : {}),
    ...(random.chance(0.2) ? { streams: ["stderr"] } : {}),
    ...(random.chance(0.2) ? { levels: ["error", "warn"] } : {}),
    ...(random.chance(0.2) ? { from: time() } : {}),
    ...(random.chance(0.2) ? { to: time() } : {}),
    ...(random.chance(0.2) ? { sources: [random.chance(0.5) ? "shop/*" : "r?dis"] } : {})
  })
}

const checkSearches = async (random: Random, { search }: OpenStore, records: ReadonlyArray<ExpectedRecord>) => {
  for (let round = 0; round < 50; round++) {
    const query = randomQuery(random, records)
    const matcher = LogMatcher.make(query)
    const [pattern] = query.sources ?? []
    const expected = records
      .filter(({ source }) => pattern === undefined || (pattern === "r?dis") === (source === sourceId(sources[1])))
      .filter((record) => {
        const line = lineOf(record)
        return (
          line !== undefined && matcher.matches(line.text, levelOf(line.text), line.stream, nanosOf(line.timestamp))
        )
      })
      .map(expectedText)
      .toReversed()
    const limit = random.chance(0.5) ? 1 + random.below(300) : 100_000
    const elements = await search({ query, limit })
    const found = hitsOf(elements).map(({ line }) => line)
    expect(shown(found), JSON.stringify(query)).toEqual(expected.slice(0, limit))
    const last = elements.at(-1)
    const progress = last?._tag === "SearchFound" ? last.progress : undefined
    expect(progress).toMatchObject({ matches: found.length, unreadable: 0 })
    if (progress?.done !== "limit") continue
    const rest = await search({ query, ...(progress.cursor === undefined ? {} : { cursor: progress.cursor }) })
    expect(shown(hitsOf(rest).map(({ line }) => line)), JSON.stringify(query)).toEqual(expected.slice(limit))
  }
}

const checkHistogram = async ({ store }: OpenStore, records: ReadonlyArray<ExpectedRecord>) => {
  const lines = records.flatMap((record) => lineOf(record) ?? [])
  const whole = await Effect.runPromise(store.histogram({}))
  expect(whole).toMatchObject({ counted: lines.length, uncounted: 0 })
  const [from, to] = [lines[800]?.timestamp ?? "", lines[4_000]?.timestamp ?? ""]
  const part = await Effect.runPromise(store.histogram({ from, to, buckets: 60, sources: ["web"] }))
  expect(part.buckets.length).toBe(60)
  expect([part.buckets[0]?.from, part.buckets.at(-1)?.to]).toEqual([from, to])
  const within = records
    .filter(({ source }) => source === sourceId(sources[0]))
    .flatMap((record) => lineOf(record) ?? [])
    .filter(({ timestamp }) => timestamp >= from && timestamp < to)
  for (const level of ["error", "warn", "unknown"] as const) {
    const sum = part.buckets.reduce((total, { levels }) => total + levels[level], 0)
    expect(sum).toBe(within.filter(({ text }) => levelOf(text) === level).length)
  }
}

const at = (second: number, containerId = "c1", text = "x".repeat(1_000)): LogLine => ({
  _tag: "LogLine",
  containerId,
  stream: "stdout",
  timestamp: `${new Date(1_790_000_000_000 + second * 1_000).toISOString().slice(0, 19)}.000000000Z`,
  text
})

const redis = { source: sources[1], containerId: "c1", containerName: "redis" }
const redisId = sourceId(sources[1])

describe("the store of container logs", () => {
  it(`gives out what it was given, in both directions, and finds what a filter finds (STORE_SEED=${seed})`, async () => {
    const random = randomFrom(seed)
    const logs = randomLogs(random)
    const records = expectedOrder(logs)
    const opened = await appendAll(random, await makeFolder(), logs)
    onTestFinished(opened.close)
    await checkReads(random, opened, records)
    await checkSearches(random, opened, records)
    await checkHistogram(opened, records)
    const listed = await Effect.runPromise(opened.store.sources)
    expect(listed.map(({ id, records: count }) => [id, count])).toEqual(
      sources.map((source) => [sourceId(source), records.filter((record) => record.source === sourceId(source)).length])
    )
    expect(listed[0]?.generations.map(({ containerId }) => containerId)).toEqual(["a1", "a2", "a3"])
  })

  it("takes a batch once, and tells a writer that is ahead of it where to go on", async () => {
    const folder = await makeFolder()
    let opened = await openStore(folder)
    onTestFinished(() => opened.close())
    // Equal in everything.
    const elements = Array.from({ length: 5 }, () => at(1, "c1", "same"))
    const batch = { ...redis, after: 0, elements, position: "p5" }
    await opened.append(batch)
    await opened.append(batch)
    await opened.flush()
    await opened.append({ ...batch, elements: [...elements, at(1, "c1", "same")], position: "p6" })
    await opened.close()
    opened = await openStore(folder)
    await opened.append(batch)
    const read = await opened.read({ source: redisId, direction: "forward" })
    expect(read.flatMap((item) => (item._tag === "StoredLine" ? [[item.number, item.place]] : []))).toEqual(
      [1, 2, 3, 4, 5, 6].map((number) => [number, number - 1])
    )
    for (const after of [7, 100]) {
      const refused = Effect.runPromise(Effect.flip(opened.store.append({ ...batch, after })))
      await expect(refused).resolves.toMatchObject({ _tag: "LogStoreBehind", number: 6, position: "p6" })
    }
    const wrong = { ...at(1), timestamp: "yesterday" }
    const invalid = Effect.runPromise(Effect.flip(opened.store.append({ ...redis, after: 6, elements: [wrong] })))
    await expect(invalid).resolves.toMatchObject({ _tag: "InvalidRequest", field: "timestamp", value: "yesterday" })
    for (const range of [{ cursor: "1.2" }, { from: "noon" }, { limit: 0 }]) {
      const failed = Stream.runDrain(opened.store.read({ source: redisId, direction: "forward", ...range }))
      await expect(Effect.runPromise(Effect.flip(failed))).resolves.toMatchObject({ _tag: "InvalidRequest" })
    }
    expect(await opened.read({ source: "local/none", direction: "forward" })).toEqual([])
  })

  it("keeps the newest within its bounds, says what is gone, and gives the disk its space back", async () => {
    const folder = await makeFolder()
    const limits = { sourceBytes: 2_000_000, bytes: 3_000_000 }
    let opened = await openStore(folder, limits)
    onTestFinished(() => opened.close())
    const random = randomFrom(seed)
    const text = () => Array.from({ length: 180 }, () => random.below(1e9).toString(36)).join(" ")
    const keys = [redis, { source: { engine: "local", name: "db" }, containerId: "d1", containerName: "db" }]
    const bytesOf = async () => (await Effect.runPromise(opened.store.sources)).map(({ bytes }) => bytes)
    for (let step = 0; step < 12; step++) {
      for (const key of keys) {
        const elements = Array.from({ length: 300 }, (_, index) => at(step * 300 + index, key.containerId, text()))
        await opened.append({ ...key, after: step * 300, elements })
      }
      const bytes = await bytesOf()
      for (const of of bytes) expect(of).toBeLessThanOrEqual(limits.sourceBytes)
      expect(bytes.reduce((sum, of) => sum + of, 0)).toBeLessThanOrEqual(limits.bytes)
    }
    const [mark, gone, ...rest] = await opened.read({ source: redisId, direction: "forward" })
    expect(mark).toMatchObject({ _tag: "GenerationMark", containerId: "c1", containerName: "redis" })
    const first = 3_600 - rest.length + 1
    expect(gone).toMatchObject({ _tag: "MissingRecords", from: 1, to: first - 1, reason: "not_kept" })
    expect(rest.length).toBeGreaterThan(1_000)
    expect(rest.map((item) => ("number" in item ? item.number : 0))).toEqual(rest.map((_, index) => first + index))
    await opened.close()
    const sizeOf = async () => (await stat(join(folder, "logs.db"))).size
    const before = await sizeOf()
    opened = await openStore(folder, { ...limits, sourceBytes: 300_000 })
    expect(await Effect.runPromise(opened.store.retain({ age: 1 }))).toMatchObject({ records: expect.any(Number) })
    expect(await bytesOf()).toEqual([])
    await opened.close()
    // What is left is room for the next blocks.
    expect(await sizeOf()).toBeLessThanOrEqual(Math.min(before, 4_400_000))
  })

  it("runs two searches at once, tells others how many come first, and forgets those that nobody reads", async () => {
    const opened = await openStore(await makeFolder())
    onTestFinished(opened.close)
    for (let step = 0; step < 10; step++) {
      const elements = Array.from({ length: 1_000 }, (_, index) =>
        at(step * 1_000 + index, "c1", `line ${index} ${"y".repeat(900)}`)
      )
      await opened.append({ ...redis, after: step * 1_000, elements })
    }
    const query = new LogQuery({ text: "line 77 " })
    const [hit] = hitsOf(await opened.search({ query, limit: 1, context: 2 }))
    expect(hit?.line).toMatchObject({ number: 9_078 })
    expect(hit?.before.map((item) => ("number" in item ? item.number : 0))).toEqual([9_076, 9_077])
    expect(hit?.after.map((item) => ("number" in item ? item.number : 0))).toEqual([9_079, 9_080])
    const all = new LogQuery({})
    const held = [0, 1].map(() => {
      const found = opened.store.search({ query: all })
      return Effect.runFork(Stream.runForEach(found, () => Effect.never))
    })
    const tags: Array<string> = []
    const third = Effect.runFork(
      Stream.runForEach(opened.store.search({ query }), (element) =>
        Effect.sync(() => void tags.push(element._tag === "SearchWaiting" ? `waits for ${element.ahead}` : "found"))
      )
    )
    await eventually(() => tags).toEqual(["waits for 2"])
    for (const search of held) {
      const began = performance.now()
      await Effect.runPromise(Fiber.interrupt(search))
      expect(performance.now() - began).toBeLessThan(1_000)
    }
    await Effect.runPromise(Fiber.join(third))
    expect(tags.at(-1)).toBe("found")
  })

  it("sets a damaged file and one of a later version aside, waits for one that is in use, and says what it cannot read", async () => {
    const elements = Array.from({ length: 2_000 }, (_, index) => at(index))
    const damages: ReadonlyArray<readonly [name: string, damage: (file: string) => Promise<unknown>]> = [
      ["damaged", (file) => writeFile(file, "This is no database. ".repeat(1_000))],
      ["damaged", (file) => truncate(file, 8_192)]
    ]
    for (const [name, damage] of damages) {
      const folder = await makeFolder()
      const first = await openStore(folder)
      await first.append({ ...redis, after: 0, elements })
      const second = await openStore(folder)
      expect(second.store.status()).toMatchObject({
        available: false,
        reason: expect.stringContaining("another server")
      })
      const refused = Effect.runPromise(Effect.flip(second.store.append({ ...redis, after: 0, elements })))
      await expect(refused).resolves.toMatchObject({ _tag: "LogStoreUnavailable" })
      await first.close()
      await eventually(() => second.store.status().available).toBe(true)
      expect((await second.read({ source: redisId, direction: "backward", limit: 5 })).length).toBe(5)
      await second.close()
      await damage(join(folder, "logs.db"))
      const third = await openStore(folder)
      expect(third.store.status()).toMatchObject({ available: true, reason: expect.stringContaining(`is ${name}`) })
      const behind = Effect.runPromise(Effect.flip(third.store.append({ ...redis, after: 2_000, elements })))
      await expect(behind).resolves.toMatchObject({ _tag: "LogStoreBehind", number: 0 })
      await third.append({ ...redis, after: 0, elements })
      expect((await third.read({ source: redisId, direction: "forward" })).length).toBe(2_001)
      expect((await readdir(folder)).filter((file) => file.startsWith(`logs.db.${name}-`))).not.toEqual([])
      await third.close()
    }
  })

  it("says once that it cannot write, loses nothing that it took, and goes on as soon as it can", async () => {
    const disk = await makeSmallDisk("size=64m,ro")
    onTestFinished(disk.remove)
    const opened = await openStore(disk.folder)
    onTestFinished(opened.close)
    const { store } = opened
    const told: Array<string | undefined> = []
    Effect.runFork(Stream.runForEach(store.statusChanges, ({ reason }) => Effect.sync(() => void told.push(reason))))
    expect(store.status()).toMatchObject({ available: false, reason: expect.stringContaining("is read-only") })
    const refused = Effect.runPromise(Effect.flip(store.append({ ...redis, after: 0, elements: [at(1)] })))
    await expect(refused).resolves.toMatchObject({ _tag: "LogStoreUnavailable" })
    await disk.remount("rw,size=2m")
    await eventually(() => store.status().available).toBe(true)
    let after = 0
    while (store.status().available && after < 10_000) {
      const elements = Array.from({ length: 50 }, (_, index) =>
        at(after + index, "c1", randomBytes(750).toString("base64"))
      )
      await opened.append({ ...redis, after, elements })
      after += 50
      await opened.flush()
    }
    expect(store.status()).toMatchObject({ available: false, reason: expect.stringContaining("is full") })
    await opened.append({ ...redis, after, elements: [at(after)] })
    const kept = await opened.read({ source: redisId, direction: "backward", limit: 10 })
    expect(kept.length).toBeGreaterThan(0)
    await disk.remount("size=64m")
    await eventually(() => store.status().available).toBe(true)
    const all = await opened.read({ source: redisId, direction: "forward" })
    expect(all.flatMap((item) => (item._tag === "StoredLine" ? [item.number] : []))).toEqual(
      Array.from({ length: after + 1 }, (_, index) => index + 1)
    )
    const kinds = told.map((reason) => /read-only|full/.exec(reason ?? "")?.[0] ?? "available")
    expect(kinds).toEqual(["read-only", "available", "full", "available"])
  })
})
