/** Reads a log in one way and reports the time. A separate process, so that CPU time and memory are its own. */
import { Docker, Logs } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { connect } from "node:net"
import { connectionOf } from "../engine/engineRequest.js"

const [variant = "", endpoint = "", id = "", total = "0"] = process.argv.slice(2)

interface Count {
  lines: number
  bytes: number
  batches: number
}

/** The socket alone: sends the same request and discards the response. */
const readRaw = (count: Count): Promise<void> =>
  new Promise((resolve, reject) => {
    const query = "timestamps=true&follow=false&stdout=true&stderr=true&tail=all"
    const target = connectionOf(endpoint)
    const socket = connect("socketPath" in target ? { path: target.socketPath } : target)
    socket.on("data", (chunk) => {
      count.bytes += chunk.length
      count.batches++
    })
    socket.on("error", reject)
    socket.on("close", () => resolve())
    socket.write(`GET /containers/${id}/logs?${query} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n`)
  })

const withLogs = (use: (logs: Logs["Type"]) => Effect.Effect<void, unknown>): Promise<void> =>
  Effect.runPromise(
    Effect.flatMap(Logs, use).pipe(
      Effect.provide(Logs.layer.pipe(Layer.provide(Docker.layer({ endpoint })))),
      Effect.mapError((error) => new Error(JSON.stringify(error)))
    )
  )

const readBatches = (count: Count) =>
  withLogs((logs) =>
    Stream.runForEach(logs.readBatches(id), (batch) =>
      Effect.sync(() => {
        count.lines += batch.length
        count.batches++
      })
    )
  )

/** Reads single lines in chunks, the fast way to read a stream of lines. */
const readLines = (count: Count) =>
  withLogs((logs) =>
    Stream.runForEachChunk(logs.read(id), (chunk) =>
      Effect.sync(() => {
        for (const line of chunk) if (line.text !== "") count.lines++
      })
    )
  )

/** Reads single lines, with an effect for each. */
const readEach = (count: Count) =>
  withLogs((logs) => Stream.runForEach(logs.read(id), () => Effect.sync(() => void count.lines++)))

/** Waits for a millisecond at each batch, and once, in the middle, for two seconds. */
const readSlowly = (count: Count) => {
  let paused = false
  return withLogs((logs) =>
    Stream.runForEach(logs.readBatches(id), (batch) => {
      count.lines += batch.length
      count.batches++
      const now = !paused && count.lines >= Number(total) / 2
      paused ||= now
      return Effect.sleep(now ? 2000 : 1)
    })
  )
}

const variants: Readonly<Record<string, (count: Count) => Promise<void>>> = {
  raw: readRaw,
  readBatches,
  read: readLines,
  readEach,
  slow: readSlowly
}

const read = variants[variant]
if (read === undefined) throw new Error(`Unknown variant to read: ${variant}.`)
const count: Count = { lines: 0, bytes: 0, batches: 0 }
const before = process.memoryUsage.rss()
let early = before
let peak = before
const sampler = setInterval(() => {
  const now = process.memoryUsage.rss()
  peak = Math.max(peak, now)
  // The startup of the process does not depend on the length of the log.
  if (count.lines < Number(total) / 5) early = Math.max(early, now)
}, 50)
const cpuBefore = process.cpuUsage()
const started = performance.now()
await read(count)
const seconds = (performance.now() - started) / 1000
const { system, user } = process.cpuUsage(cpuBefore)
clearInterval(sampler)
const megabyte = 1024 * 1024
const result = {
  ...count,
  seconds,
  cpuSeconds: (user + system) / 1e6,
  grownMb: (peak - before) / megabyte,
  laterMb: (peak - early) / megabyte
}
process.stdout.write(`${JSON.stringify(result)}\n`)
