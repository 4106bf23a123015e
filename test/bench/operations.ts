import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { WebSocket } from "ws"
import { atMost, type BenchContext, type Benchmark, type Row } from "./Benchmark.js"
import { numberAt, textAt } from "./childProcess.js"
import { startTalking } from "./talkingChild.js"

const viewerCount = 100
const variants = ["kept", "in memory"] as const
type Variant = (typeof variants)[number]

interface Measured {
  readonly lines: number
  readonly seconds: number
  readonly p99: number
  readonly longest: number
}

const openViewer = (url: string, token: string): Promise<WebSocket> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace("http", "ws")}/ws`, ["dockwire.v1"], {
      headers: { authorization: `Bearer ${token}` }
    })
    socket.once("error", reject)
    socket.once("message", () => resolve(socket))
    socket.once("open", () => socket.send(JSON.stringify({ event: "join", data: { room: "docker_logs" } })))
  })

/** Runs operations that print lines, each a count and lines per second (0: as fast as possible), while others watch. */
const measure = async (
  variant: Variant,
  runs: ReadonlyArray<readonly [count: number, linesPerSecond: number]>
): Promise<ReadonlyArray<Measured>> => {
  const dataDir = await mkdtemp(join(tmpdir(), "dockwire-bench-"))
  const child = await startTalking("operationsChild.ts", [dataDir, variant])
  try {
    const viewers = await Promise.all(
      Array.from({ length: viewerCount }, () => openViewer(textAt(child.first, "url"), textAt(child.first, "token")))
    )
    const results: Array<Measured> = []
    for (const [count, linesPerSecond] of runs) {
      const result = await child.tell(`${count} ${linesPerSecond}`)
      const [lines, seconds] = [numberAt(result, "lines"), numberAt(result, "seconds")]
      if (lines !== count) throw new Error(`${lines} of ${count} lines were stored.`)
      results.push({ lines, seconds, p99: numberAt(result, "p99"), longest: numberAt(result, "longest") })
    }
    for (const viewer of viewers) viewer.terminate()
    return results
  } finally {
    await child.close()
    await rm(dataDir, { recursive: true, force: true })
  }
}

const run = async ({ progress, quick }: BenchContext): Promise<ReadonlyArray<Row>> => {
  const rounds = quick ? 1 : 3
  const steady = [quick ? 10_000 : 50_000, 5_000] as const
  // The first one warms the code up.
  const runs = [[2_000, 0], [quick ? 10_000 : 100_000, 0], steady] as const
  const rates: Record<Variant, Array<number>> = { kept: [], "in memory": [] }
  const p99: Record<Variant, Array<number>> = { kept: [], "in memory": [] }
  const longest: Record<Variant, Array<number>> = { kept: [], "in memory": [] }
  for (let round = 0; round < rounds; round++) {
    for (const variant of variants) {
      progress(`operations: ${variant}, round ${round + 1} of ${rounds}`)
      const [, burst, paced] = await measure(variant, runs)
      if (burst === undefined || paced === undefined) continue
      rates[variant].push(burst.lines / burst.seconds)
      p99[variant].push(paced.p99)
      longest[variant].push(paced.longest)
    }
  }
  const added = p99.kept.map((value, index) => value - (p99["in memory"][index] ?? 0))
  return variants
    .flatMap((variant): Array<Row> => [
      { name: `${variant}: a burst, until all is stored`, unit: "lines/s", values: rates[variant] },
      { name: `${variant}: pauses of the loop at 5,000 lines/s, p99`, unit: "ms", values: p99[variant] },
      { name: `${variant}: longest pause`, unit: "ms", values: longest[variant] }
    ])
    .concat([{ name: "p99 that keeping adds", unit: "ms", values: added, goal: atMost(10) }])
}

/** What it costs to keep operations while they are watched. */
export const operations: Benchmark = {
  name: "operations",
  title: `operations in the history, while ${viewerCount} viewers watch`,
  run
}
