import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { get } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { atMost, type BenchContext, type Benchmark, type Row } from "./Benchmark.js"

interface Measured {
  /** Milliseconds until it answered. */
  readonly answered: number
  /** Processor milliseconds until then, of all its threads. */
  readonly cpu: number
  /** MB some seconds later. */
  readonly memory: number
}

const main = fileURLToPath(new URL("../../packages/server/dist/bin/dockwire.js", import.meta.url))
const port = 7_397
const ticksPerSecond = 100

/** Whether the server answers. */
const isUp = (): Promise<boolean> =>
  new Promise((resolve) => {
    const request = get({ host: "127.0.0.1", port, path: "/healthz", agent: false }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode === 200))
    })
    request.on("error", () => resolve(false))
  })

const cpuMilliseconds = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond
}

const measure = async ({ engine, quick }: BenchContext, dataDir: string): Promise<Measured> => {
  const started = performance.now()
  const args = ["serve", "--port", String(port), "--docker-host", engine.endpoint, "--data-dir", dataDir]
  const child = spawn(process.execPath, [main, ...args], { stdio: "ignore" })
  const { pid } = child
  if (pid === undefined) throw new Error("The server did not start.")
  const exited = new Promise<void>((resolve) => child.on("close", () => resolve()))
  try {
    while (!(await isUp())) {
      if (child.exitCode !== null) throw new Error(`The server exited with ${child.exitCode}.`)
      await sleep(2)
    }
    const answered = performance.now() - started
    const cpu = cpuMilliseconds(pid)
    await sleep(quick ? 1_000 : 10_000)
    const memory = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024
    return { answered, cpu, memory }
  } finally {
    child.kill("SIGTERM")
    await exited
  }
}

const run = async (context: BenchContext): Promise<ReadonlyArray<Row>> => {
  const rounds = context.quick ? 1 : 7
  const first: Array<Measured> = []
  const again: Array<Measured> = []
  for (let round = 1; round <= rounds; round++) {
    context.progress(`start: round ${round} of ${rounds}`)
    const dataDir = await mkdtemp(join(tmpdir(), "dockwire-bench-"))
    try {
      first.push(await measure(context, dataDir))
      again.push(await measure(context, dataDir))
    } finally {
      await rm(dataDir, { recursive: true, force: true })
    }
  }
  return [
    {
      name: "dockwire serve until /healthz answers",
      unit: "ms",
      values: again.map(({ answered }) => answered),
      goal: atMost(700)
    },
    {
      name: "the same, in an empty data directory",
      unit: "ms",
      values: first.map(({ answered }) => answered),
      goal: atMost(700)
    },
    { name: "processor time until then", unit: "ms", values: again.map(({ cpu }) => cpu) },
    { name: "memory when idle", unit: "MB", values: again.map(({ memory }) => memory), goal: atMost(110) }
  ]
}

/** The start of the server, until it answers. */
export const start: Benchmark = { name: "start", title: "The start of the server", run }
