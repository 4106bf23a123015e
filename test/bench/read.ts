import { spawn } from "node:child_process"
import { startTestContainer } from "../engine/testContainer.js"
import { atLeast, atMost, type BenchContext, type Benchmark, type Row } from "./Benchmark.js"
import { childValue, numberAt } from "./childProcess.js"
import { dockerCli } from "./dockerCli.js"
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
  if (code !== 0) throw new Error(`The container that writes the log ended with ${code}.`)
  return container
}

/** Seconds that the command takes to give the whole log to nobody. */
const runCli = (docker: string, endpoint: string, id: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const started = performance.now()
    const child = spawn(docker, ["-H", endpoint, "logs", id], { stdio: "ignore" })
    child.on("error", reject)
    child.on("close", (code) => {
      if (code === 0) resolve((performance.now() - started) / 1000)
      else reject(new Error(`docker logs ended with ${code}.`))
    })
  })

const ways = ["raw", "readBatches", "read", "readEach"] as const
type Way = (typeof ways)[number]

const titles: Readonly<Record<Way, string>> = {
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
  const seconds: Record<Way | "cli", Array<number>> = { raw: [], readBatches: [], read: [], readEach: [], cli: [] }
  const cpu: Record<Way, Array<number>> = { raw: [], readBatches: [], read: [], readEach: [] }
  const grown: Record<Way | "slow", Array<number>> = { raw: [], readBatches: [], read: [], readEach: [], slow: [] }
  const later: Record<Way | "slow", Array<number>> = { raw: [], readBatches: [], read: [], readEach: [], slow: [] }
  const child = async (way: Way | "slow") => {
    const value = await childValue("readChild.ts", [way, endpoint, container.id, String(lines)])
    const count = numberAt(value, "lines")
    if (way !== "raw" && count !== lines) throw new Error(`${way} gave ${count} of ${lines} lines.`)
    grown[way].push(numberAt(value, "grownMb"))
    later[way].push(numberAt(value, "laterMb"))
    return { seconds: numberAt(value, "seconds"), cpu: numberAt(value, "cpuSeconds") }
  }
  const docker = dockerCli()
  for (let round = 0; round < rounds; round++) {
    for (const way of ways) {
      progress(`read: round ${round + 1} of ${rounds}, ${titles[way]}`)
      const taken = await child(way)
      seconds[way].push(taken.seconds)
      cpu[way].push((taken.cpu / lines) * 1e6)
    }
    if (docker === undefined) continue
    progress(`read: round ${round + 1} of ${rounds}, docker logs`)
    seconds.cli.push(await runCli(docker, endpoint, container.id))
  }
  progress("read: a reader that waits")
  const slow = await child("slow")
  await container.remove()
  const memory = atMost(64)
  return [
    ...ways.map((way): Row => ({ name: titles[way], unit: "s", values: seconds[way], note: `${lines} lines` })),
    docker === undefined
      ? { name: "docker logs", unit: "s", values: [], note: "there is no docker command here" }
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
    ...ways.map((way): Row => ({ name: `${titles[way]}: CPU`, unit: "s / million lines", values: cpu[way] })),
    ...ways.map((way): Row => ({
      name: `${titles[way]}: memory grown by`,
      unit: "MB",
      values: grown[way],
      ...(way === "raw" ? {} : { goal: memory })
    })),
    {
      name: "a reader that waits: memory grown by",
      unit: "MB",
      values: grown.slow,
      goal: memory,
      note: `1 ms at each batch and 2 s in the middle; ${slow.seconds.toFixed(1)} s`
    },
    ...(["readBatches", "read", "slow"] as const).map((way): Row => ({
      name: `${way === "slow" ? "a reader that waits" : titles[way]}: grown after the first fifth`,
      unit: "MB",
      values: later[way],
      goal: memory
    }))
  ]
}

/** A long log from the engine through `Logs`, against who only takes the bytes and against `docker logs`. */
export const read: Benchmark = { name: "read", title: "A log from the engine, read from its beginning to its end", run }
