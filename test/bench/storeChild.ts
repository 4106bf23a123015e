/** Writes lines into a store, reads and searches them, and prints what that took. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { LogQuery } from "../../packages/server/src/search/LogQuery.js"
import { LogStore, type SearchRequest } from "../../packages/server/src/store/LogStore.js"
import { storeContainers, storeLines } from "./storeLines.js"

const [, , dataDir = "", program = "", size = "0"] = process.argv
const batch = 1_000
const paced = 20_000

/** The most memory that the process has had since the last call, in MB. */
let peak = 0
setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss() / 1e6)
}, 20).unref()
const peakMemory = (): number => {
  const value = peak
  peak = 0
  return value
}

const cpu = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1e6
}

const diskMegabytes = (): number =>
  readdirSync(dataDir).reduce((sum, file) => sum + statSync(join(dataDir, file)).size, 0) / 1e6

const main = Effect.gen(function* () {
  const store = yield* LogStore
  const after = Array.from({ length: storeContainers }, () => 0)
  let bytes = 0

  const feed = (container: number, count: number) => {
    const elements = storeLines(container, after[container] ?? 0, count)
    for (const { text } of elements) bytes += text.length + 1
    return elements
  }
  const append = (container: number, count: number) =>
    Effect.gen(function* () {
      const number = after[container] ?? 0
      const elements = feed(container, count)
      const source = { engine: "local", name: `c${container}` }
      const took = performance.now()
      yield* Effect.retry(
        store.append({ source, containerId: source.name, containerName: source.name, after: number, elements }),
        { while: (error) => error._tag === "LogStoreUnavailable" }
      )
      after[container] = number + count
      return performance.now() - took
    })
  /** Until there is so much text. Returns the lines. */
  const fill = (until: number) =>
    Effect.gen(function* () {
      let lines = 0
      while (bytes < until) {
        for (let container = 0; container < storeContainers; container++) {
          yield* append(container, batch)
          lines += batch
        }
        yield* Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
      }
      yield* store.flush
      return lines
    })

  // What making the lines takes by itself.
  const feedBegan = cpu()
  const feedLines = 200_000
  for (let made = 0; made < feedLines; made += batch) feed((made / batch) % storeContainers, batch)
  const feedCpu = (cpu() - feedBegan) / (feedLines / 1e6)
  bytes = 0

  peakMemory()
  const began = performance.now()
  const cpuBegan = cpu()
  const lines = yield* fill(Number(size) * 1e6)
  const rate = lines / ((performance.now() - began) / 1_000)
  const ingestCpu = (cpu() - cpuBegan) / (lines / 1e6) - feedCpu
  const ingestMemory = peakMemory()

  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  let longestAppend = 0
  let pacedLines = 0
  const pacedBegan = performance.now()
  while (performance.now() - pacedBegan < 5_000) {
    const due = ((performance.now() - pacedBegan) / 1_000) * paced
    while (pacedLines < due) {
      longestAppend = Math.max(longestAppend, yield* append((pacedLines / 100) % storeContainers, 100))
      pacedLines += 100
    }
    yield* Effect.sleep("5 millis")
  }
  delay.disable()
  yield* store.flush
  const disk = diskMegabytes() / (bytes / 1e6)

  /** How long the first hit takes, and the whole, in milliseconds. */
  const search = (request: SearchRequest) =>
    Effect.gen(function* () {
      const start = performance.now()
      let first = Number.NaN
      let hits = 0
      yield* Stream.runForEach(store.search(request), (element) =>
        Effect.sync(() => {
          if (element._tag !== "SearchFound") return
          if (hits === 0 && element.hits.length > 0) first = performance.now() - start
          hits += element.hits.length
        })
      )
      return { first, whole: performance.now() - start, hits }
    })
  const range = (cursor?: string) =>
    Effect.gen(function* () {
      const start = performance.now()
      const source = "local/c1"
      yield* Stream.runDrain(
        store.read({ source, direction: "backward", limit: 500, ...(cursor === undefined ? {} : { cursor }) })
      )
      return performance.now() - start
    })
  // Starts the thread.
  yield* range()
  yield* Effect.sleep("1 second")
  peakMemory()
  const last500 = yield* range()
  const common = yield* search({ query: new LogQuery({ text: "request completed" }), limit: 100 })
  const rare = yield* search({ query: new LogQuery({ text: "needle-7f3a", caseSensitive: true }) })
  const rareAnyCase = yield* search({ query: new LogQuery({ text: "NEEDLE-7F3A" }) })
  const absent = yield* search({ query: new LogQuery({ text: "nowhere-to-be-found", caseSensitive: true }) })
  const short = yield* search({ query: new LogQuery({ text: "zqj", caseSensitive: true }) })
  const literalRegex = yield* search({ query: new LogQuery({ regex: "needle-[0-9a-f]+ in" }) })
  const regex = yield* search({ query: new LogQuery({ regex: "q[0-9]{7}z" }) })
  const field = yield* search({
    query: new LogQuery({ fields: [{ path: "status", op: ">=", value: "500" }] }),
    limit: 500
  })
  const level = yield* search({ query: new LogQuery({ levels: ["error"] }), limit: 500 })
  const searchMemory = peakMemory()
  const counted = (request: { readonly from?: string }) =>
    Effect.gen(function* () {
      const start = performance.now()
      yield* store.histogram(request)
      return performance.now() - start
    })
  const histogram = yield* counted({})
  const cancelBegan = performance.now()
  yield* Effect.timeoutOption(
    Stream.runDrain(store.search({ query: new LogQuery({ regex: "q[0-9]{7}z" }) })),
    "300 millis"
  )
  const cancel = performance.now() - cancelBegan - 300

  const rawBytes = bytes
  const before = diskMegabytes()
  const retainBegan = performance.now()
  const retaining = yield* Effect.fork(store.retain({ bytes: rawBytes / 2, sourceBytes: rawBytes }))
  let longestWait = 0
  for (let step = 0; step < 20; step++) {
    longestWait = Math.max(longestWait, yield* append(step % storeContainers, 100))
    yield* Effect.sleep("20 millis")
  }
  yield* Effect.fromFiber(retaining)
  const retain = performance.now() - retainBegan
  yield* Effect.sync(() =>
    process.stdout.write(
      `${JSON.stringify({
        megabytes: rawBytes / 1e6,
        rate,
        ingestCpu,
        ingestMemory,
        p99: delay.percentile(99) / 1e6,
        longestPause: delay.max / 1e6,
        longestAppend,
        disk,
        last500,
        common: common.whole,
        rareFirst: rare.first,
        rare: rare.whole,
        rareAnyCase: rareAnyCase.whole,
        absent: absent.whole,
        short: short.whole,
        literalRegex: literalRegex.whole,
        regex: regex.whole,
        field: field.whole,
        level: level.whole,
        searchMemory,
        histogram,
        cancel,
        retain,
        longestWait,
        given: before - diskMegabytes(),
        hits: [common, rare, rareAnyCase, absent, literalRegex].map(({ hits }) => hits)
      })}\n`
    )
  )
})

const retention = { sourceBytes: 1e12, bytes: 1e12, age: 1e14 }
await Effect.runPromise(
  main.pipe(Effect.provide(LogStore.layerEmbedded({ dataDir, program: new URL(program), retention })))
)
