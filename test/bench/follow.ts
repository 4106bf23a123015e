import { type KillableEngine, killableEngineUnavailable, startKillableEngine } from "../engine/killableEngine.js"
import { startTestContainer } from "../engine/testContainer.js"
import { atMost, type BenchContext, type Benchmark, type Row } from "./Benchmark.js"
import { childValue, numberAt } from "./childProcess.js"
import { cpuSeconds } from "./cpuSeconds.js"
import { sampleLatency } from "./latency.js"
import { receiveWithLogs } from "./lineReceivers.js"
import { openLineWriter } from "./lineWriter.js"
import { quantile } from "./statistics.js"

/** A log, by how it rotates. */
interface Rotation {
  readonly name: string
  readonly options: Readonly<Record<string, string>>
  /** The bytes that the log has in its files when it is followed. */
  readonly bytes: number
  /** Whether the engine deletes a file before what is measured. A follow that has seen that checks less. */
  readonly isAfterDeletion: boolean
}

const rotated = (size: string, bytes: number, filled: number, isAfterDeletion: boolean): Rotation => ({
  name: `${size} x 3, ${isAfterDeletion ? "after" : "before"} the first deletion`,
  options: { "max-size": size, "max-file": "3" },
  bytes: bytes * filled,
  isAfterDeletion
})

/** Files of 20k have no time before the first deletion: three of them take 0.4 s. */
const rotations: ReadonlyArray<Rotation> = [
  rotated("10m", 10_000_000, 2.2, false),
  rotated("10m", 10_000_000, 2.95, true),
  rotated("1m", 1_000_000, 0, false),
  rotated("1m", 1_000_000, 2.7, true),
  rotated("20k", 20_000, 2.7, true)
]

/** The bytes of a line in a file. */
const lineBytes = 39 + 30 + 2 + "level=info request=100000 path=/api/items took=12ms status=200 bytes=4711".length

/** First so many lines at once, and then a thousand a second, about ten at a time, also where the machine is slow. */
const writer = (lines: number) => `
function millis() { getline uptime < "/proc/uptime"; close("/proc/uptime"); return uptime * 1000 }
BEGIN { due = ${lines}; for (;;) {
  while (n < due) print "level=info request=" (100000 + n++) " path=/api/items took=12ms status=200 bytes=4711"
  fflush()
  if (start == 0) start = millis()
  system("sleep 0.0085")
  due = ${lines} + millis() - start
} }`

/** In percent of a CPU. */
interface Cost {
  readonly client: number
  readonly engine: number
  readonly lines: number
  readonly gaps: number
  /** Whether the engine deleted a file when it should have, or not. */
  readonly isPhase: boolean
}

const wait = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

/** What a follower and its engine use for a log of a thousand lines a second. */
const measureCpu = async (
  { endpoint, pid = 0 }: KillableEngine,
  { bytes, options }: Pick<Rotation, "bytes" | "options">,
  phase: Rotation,
  seconds: number
): Promise<Cost> => {
  const container = await startTestContainer({
    endpoint,
    cmd: ["awk", writer(Math.floor(bytes / lineBytes))],
    logConfig: { Type: "json-file", Config: options }
  })
  const { isAfterDeletion } = phase
  try {
    // Until the first lines are written. A log that is followed from the first one is known at once.
    if (!isAfterDeletion) await wait(phase.bytes / 5000)
    const start = isAfterDeletion ? "first" : "last"
    const value = await childValue("followChild.ts", [endpoint, container.id, String(seconds), String(pid), start])
    const idle = cpuSeconds(pid)
    await wait(seconds * 500)
    const writing = (cpuSeconds(pid) - idle) / (seconds / 2)
    const ran = numberAt(value, "seconds")
    return {
      client: (numberAt(value, "client") / ran) * 100,
      engine: (numberAt(value, "engine") / ran - writing) * 100,
      lines: numberAt(value, "lines") / ran,
      gaps: numberAt(value, "gaps"),
      isPhase: isAfterDeletion === numberAt(value, isAfterDeletion ? "deletionsBefore" : "deletions") > 0
    }
  } finally {
    await container.remove()
  }
}

const never = { name: "no rotation", options: {}, bytes: 0 }

/** Each log is followed at the same time as one that does not rotate, by another process and of another engine. */
const cpuRows = async ({ progress, quick }: BenchContext): Promise<ReadonlyArray<Row>> => {
  const unavailable = await killableEngineUnavailable()
  if (unavailable !== undefined) {
    return [{ name: "CPU of a follow", unit: "%", values: [], note: `no engine of its own: ${unavailable}` }]
  }
  const rounds = quick ? 1 : 3
  const seconds = quick ? 4 : 12
  const results = rotations.map((rotation) => ({ rotation, pairs: new Array<readonly [Cost, Cost]>() }))
  const first = await startKillableEngine({ name: "bench" })
  try {
    const second = await startKillableEngine({ name: "bench" })
    try {
      for (let round = 0; round < rounds; round++) {
        const [engine, other] = round % 2 === 0 ? [first, second] : [second, first]
        for (const { pairs, rotation } of results) {
          progress(`follow: CPU, round ${round + 1} of ${rounds}, ${rotation.name}`)
          pairs.push(
            await Promise.all([
              measureCpu(engine, rotation, rotation, seconds),
              measureCpu(other, never, rotation, seconds)
            ])
          )
        }
      }
    } finally {
      await second.dispose()
    }
  } finally {
    await first.dispose()
  }
  return results.flatMap(({ pairs, rotation: { name } }): ReadonlyArray<Row> => {
    const rate = quantile(
      pairs.map(([{ lines }]) => lines),
      0.5
    )
    const gaps = pairs.reduce((sum, [cost]) => sum + cost.gaps, 0)
    const isPhase = pairs.every(([cost]) => cost.isPhase)
    const note = `${rate.toFixed(0)} lines/s, ${gaps} gaps${isPhase ? "" : ", not in this phase all the time"}`
    const plain = pairs.map(([, { client, engine }]) => client + engine)
    const added = pairs.map(([{ client, engine }], round) => client + engine - (plain[round] ?? 0))
    return [
      { name: `${name}: follower`, unit: "%", values: pairs.map(([{ client }]) => client), note },
      { name: `${name}: dockerd for it`, unit: "%", values: pairs.map(([{ engine }]) => engine) },
      { name: `${name}: both, without rotation`, unit: "%", values: plain },
      { name: `${name}: added by the check`, unit: "%", values: added, goal: atMost(5) }
    ]
  })
}

const latencyRows = async ({ engine, progress, quick }: BenchContext): Promise<ReadonlyArray<Row>> => {
  const rounds = quick ? 1 : 3
  const count = quick ? 20 : 60
  const rows: Array<Row> = []
  const sizes = ["10m", "1m", "20k"].map((size) => ({
    name: `${size} x 3`,
    options: { "max-size": size, "max-file": "3" }
  }))
  for (const rotation of [never, ...sizes]) {
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
  title: "Following a log that rotates: processor time for 1,000 lines a second, latency at 10 lines a second",
  run: async (context) => [...(await cpuRows(context)), ...(await latencyRows(context))]
}
