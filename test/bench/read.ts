import { spawn } from "node:child_process"
import { startTestContainer } from "../engine/testContainer.js"
import { atLeast, atMost, type BenchContext, type Benchmark, type Row } from "./Benchmark.js"
import { childValue, numberAt } from "./childProcess.js"
import { dockerCli } from "../engine/dockerCli.js"
import { ratios } from "./statistics.js"

const program = (lines: number) =>
  `BEGIN { for (i = 0; i < ${lines}; i++) printf "level=info request=%08d path=/api/items took=12ms status=200 bytes=4711 user=anonymous end\\n", i }`

const writeLog = async (endpoint: string, lines: number) => {
  const container = await startTestContainer({
    endpoint,
    cmd: ["awk", program(lines)],
    logConfig: { Type: "json-file" }
  })
  const code = await container.wait()
  if (code !== 0) throw new Error(`The container that writes the log exited with ${code}.`)
  return container
}

/** The seconds that the docker command takes to write the whole log to /dev/null. */
const runCli = (docker: string, endpoint: string, id: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const started = performance.now()
    const child = spawn(docker, ["-H", endpoint, "logs", id], { stdio: "ignore" })
    child.on("error", reject)
    child.on("close", (code) => {
      if (code === 0) resolve((performance.now() - started) / 1000)
      else reject(new Error(`docker logs exited with ${code}.`))
    })
  })

const variants = ["raw", "readBatches", "read", "readEach"] as const
type Variant = (typeof variants)[number]

const titles: Readonly<Record<Variant, string>> = {
  raw: "raw socket, discarded",
  readBatches: "Logs.readBatches",
  read: "Logs.read, by chunks",
  readEach: "Logs.read, an effect a line"
}

const run = async ({ engine, progress, quick }: BenchContext): Promise<ReadonlyArray<Row>> => {
  const { endpoint } = engine
  const lines = quick ? 100_000 : 1_000_000
  const rounds = quick ? 2 : 3
  progress(`read: writing a log of ${lines} lines`)
  const container = await writeLog(endpoint, lines)
  const seconds: Record<Variant | "cli", Array<number>> = { raw: [], readBatches: [], read: [], readEach: [], cli: [] }
  const cpu: Record<Variant, Array<number>> = { raw: [], readBatches: [], read: [], readEach: [] }
  const grown: Record<Variant | "slow", Array<number>> = { raw: [], readBatches: [], read: [], readEach: [], slow: [] }
  const later: Record<Variant | "slow", Array<number>> = { raw: [], readBatches: [], read: [], readEach: [], slow: [] }
  const child = async (variant: Variant | "slow") => {
    const value = await childValue("readChild.ts", [variant, endpoint, container.id, String(lines)])
    const count = numberAt(value, "lines")
    if (variant !== "raw" && count !== lines) throw new Error(`${variant} read ${count} of ${lines} lines.`)
    grown[variant].push(numberAt(value, "grownMb"))
    later[variant].push(numberAt(value, "laterMb"))
    return { seconds: numberAt(value, "seconds"), cpu: numberAt(value, "cpuSeconds") }
  }
  const docker = dockerCli()
  for (let round = 0; round < rounds; round++) {
    for (const variant of variants) {
      progress(`read: round ${round + 1} of ${rounds}, ${titles[variant]}`)
      const taken = await child(variant)
      seconds[variant].push(taken.seconds)
      cpu[variant].push((taken.cpu / lines) * 1e6)
    }
    if (docker === undefined) continue
    progress(`read: round ${round + 1} of ${rounds}, docker logs`)
    seconds.cli.push(await runCli(docker, endpoint, container.id))
  }
  progress("read: a slow reader")
  const slow = await child("slow")
  await container.remove()
  const memory = atMost(64)
  return [
    ...variants.map((variant): Row => ({
      name: titles[variant],
      unit: "s",
      values: seconds[variant],
      note: `${lines} lines`
    })),
    docker === undefined
      ? { name: "docker logs", unit: "s", values: [], note: "the docker command is not installed" }
      : { name: "docker logs > /dev/null", unit: "s", values: seconds.cli },
    {
      name: "Logs.readBatches: speed against raw",
      unit: "x",
      values: ratios(seconds.raw, seconds.readBatches),
      goal: atLeast(0.95)
    },
    { name: "Logs.read: speed against raw", unit: "x", values: ratios(seconds.raw, seconds.read), goal: atLeast(0.95) },
    {
      name: "Logs.readBatches: speed against docker logs",
      unit: "x",
      values: ratios(seconds.cli, seconds.readBatches),
      goal: atLeast(1)
    },
    {
      name: "Logs.read: speed against docker logs",
      unit: "x",
      values: ratios(seconds.cli, seconds.read),
      goal: atLeast(1)
    },
    {
      name: "Logs.read, an effect a line: speed against raw",
      unit: "x",
      values: ratios(seconds.raw, seconds.readEach)
    },
    ...variants.map((variant): Row => ({
      name: `${titles[variant]}: CPU`,
      unit: "s / million lines",
      values: cpu[variant]
    })),
    ...variants.map((variant): Row => ({
      name: `${titles[variant]}: memory grown by`,
      unit: "MB",
      values: grown[variant],
      ...(variant === "raw" ? {} : { goal: memory })
    })),
    {
      name: "a reader that waits: memory grown by",
      unit: "MB",
      values: grown.slow,
      goal: memory,
      note: `1 ms for each batch and 2 s in the middle; ${slow.seconds.toFixed(1)} s`
    },
    ...(["readBatches", "read", "slow"] as const).map((variant): Row => ({
      name: `${variant === "slow" ? "a reader that waits" : titles[variant]}: grown after the first fifth`,
      unit: "MB",
      values: later[variant],
      goal: memory
    }))
  ]
}

/** Reads a long log through `Logs`, compared with reading the bare bytes and with `docker logs`. */
export const read: Benchmark = { name: "read", title: "Reading a whole log from the engine", run }
