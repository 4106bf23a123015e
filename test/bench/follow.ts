import { readFileSync } from "node:fs"
import { startKillableEngine, killableEngineUnavailable } from "../engine/killableEngine.js"
import { startTestContainer } from "../engine/testContainer.js"
import { atMost, type BenchContext, type Benchmark, type Row } from "./Benchmark.js"
import { childValue, numberAt } from "./childProcess.js"
import { sampleLatency } from "./latency.js"
import { receiveWithLogs } from "./lineReceivers.js"
import { openLineWriter } from "./lineWriter.js"
import { quantile } from "./statistics.js"

/** A log, by how it rotates. */
interface Rotation {
  readonly name: string
  readonly options: Readonly<Record<string, string>>
}

const never: Rotation = { name: "no rotation", options: {} }
const rotations: ReadonlyArray<Rotation> = [
  never,
  { name: "10m x 3", options: { "max-size": "10m", "max-file": "3" } },
  { name: "1m x 3", options: { "max-size": "1m", "max-file": "3" } },
  { name: "20k x 3", options: { "max-size": "20k", "max-file": "3" } }
]

/** More than three files of a megabyte, and then ten lines each hundredth of a second, as near as `sleep` gets to it. */
const writer = `BEGIN { for (;;) {
  for (i = n == 0 ? -30000 : 0; i < 10; i++) print "level=info request=" ++n " path=/api/items took=12ms status=200 bytes=4711"
  fflush(); system("sleep 0.0085")
} }`

/** The processor time of a process so far, in seconds. */
const cpuSeconds = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** The percentage of one CPU that the follower and the engine use, with lines a second. */
const measureCpu = async (endpoint: string, pid: number, { options }: Rotation, seconds: number) => {
  const container = await startTestContainer({
    endpoint,
    cmd: ["awk", writer],
    logConfig: { Type: "json-file", Config: options }
  })
  try {
    const idle = cpuSeconds(pid)
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
    const withoutFollower = cpuSeconds(pid) - idle
    const [before, start] = [cpuSeconds(pid), performance.now()]
    const value = await childValue("followChild.ts", [endpoint, container.id, String(seconds)])
    const share = (performance.now() - start) / 1000 / seconds
    return {
      client: (numberAt(value, "cpuSeconds") / seconds) * 100,
      engine: ((cpuSeconds(pid) - before) / share / seconds - withoutFollower / seconds) * 100,
      lines: numberAt(value, "lines") / seconds,
      gaps: numberAt(value, "gaps")
    }
  } finally {
    await container.remove()
  }
}

const cpuRows = async ({ progress, quick }: BenchContext): Promise<ReadonlyArray<Row>> => {
  const unavailable = await killableEngineUnavailable()
  if (unavailable !== undefined) {
    return [{ name: "CPU of a follow", unit: "%", values: [], note: `no engine of its own: ${unavailable}` }]
  }
  const rounds = quick ? 1 : 3
  const seconds = quick ? 4 : 12
  const engine = await startKillableEngine({ name: "bench" })
  const results = rotations.map((rotation) => ({ rotation, client: [0], engine: [0], rates: [0], gaps: 0 }))
  for (const result of results) for (const list of [result.client, result.engine, result.rates]) list.pop()
  try {
    for (let round = 0; round < rounds; round++) {
      for (const result of results) {
        progress(`follow: CPU, round ${round + 1} of ${rounds}, ${result.rotation.name}`)
        const measured = await measureCpu(engine.endpoint, engine.pid ?? 0, result.rotation, seconds)
        result.client.push(measured.client)
        result.engine.push(measured.engine)
        result.rates.push(measured.lines)
        result.gaps += measured.gaps
      }
    }
  } finally {
    await engine.dispose()
  }
  const [plain] = results
  return results.flatMap(({ client, engine, gaps, rates, rotation }): ReadonlyArray<Row> => {
    const note = `${quantile(rates, 0.5).toFixed(0)} lines/s, ${gaps} gaps`
    const both = client.map((value, round) => value + (engine[round] ?? 0))
    const added = both.map((value, round) => value - (plain?.client[round] ?? 0) - (plain?.engine[round] ?? 0))
    return [
      { name: `${rotation.name}: CPU of the follower`, unit: "%", values: client, note },
      { name: `${rotation.name}: CPU of dockerd for it`, unit: "%", values: engine },
      ...(rotation === never
        ? []
        : [{ name: `${rotation.name}: added by the check, both`, unit: "%", values: added, goal: atMost(5) }])
    ]
  })
}

const latencyRows = async ({ engine, progress, quick }: BenchContext): Promise<ReadonlyArray<Row>> => {
  const rounds = quick ? 1 : 3
  const count = quick ? 20 : 60
  const rows: Array<Row> = []
  for (const rotation of rotations) {
    const writer = await openLineWriter(engine.endpoint, rotation.options)
    const measured: Array<ReadonlyArray<number>> = []
    try {
      for (let round = 0; round < rounds; round++) {
        progress(`follow: latency, round ${round + 1} of ${rounds}, ${rotation.name}`)
        measured.push(await sampleLatency(writer, receiveWithLogs(engine.endpoint), count, 97))
      }
    } finally {
      await writer.close()
    }
    for (const rank of [0.5, 0.99]) {
      rows.push({
        name: `${rotation.name}: latency at 10 lines/s, p${rank * 100}`,
        unit: "ms",
        values: measured.map((values) => quantile(values, rank))
      })
    }
  }
  return rows
}

/** What it costs that a follow checks a log that rotates against the log itself. */
export const follow: Benchmark = {
  name: "follow",
  title: "Following a log that rotates, 1,000 lines a second and 10 lines a second",
  run: async (context) => [...(await cpuRows(context)), ...(await latencyRows(context))]
}
