import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { atMost, type BenchContext, type Row } from "./Benchmark.js"
import { childValue, numberAt } from "./childProcess.js"
import { commandCost } from "./commandCost.js"
import { type BenchProject, withBenchProject } from "./composeProject.js"
import { quantile, ratios } from "./statistics.js"

const line = `level=info request=%08d path=/api/items took=12ms status=200 bytes=4711 user=anonymous end\\n`
const logging = `logging: { driver: json-file }`
const awk = (program: string) => `${logging}, command: [awk, '${program}']`

const writes = (lines: number) => awk(`BEGIN { for (i = 0; i < ${lines}; i++) printf "${line}", i }`)
/** 2,000 lines a second, as near as \`sleep\` gets to it. */
const writesOn = awk(
  `BEGIN { for (;;) { for (i = 0; i < 40; i++) printf "${line}", ++n; fflush(); system("sleep 0.0185") } }`
)

const idsOf = async ({ compose }: BenchProject) => (await compose("ps", "--all", "--quiet")).trim().split("\n")

/** What each variant took, round by round. */
const measured = () => ({ seconds: new Array<number>(), cpu: new Array<number>() })

const historyRows = (context: BenchContext): Promise<ReadonlyArray<Row>> => {
  const { engine, progress, quick } = context
  const [lines, rounds] = quick ? [10_000, 2] : [100_000, 5]
  progress(`compose: writing ten logs of ${lines} lines`)
  return withBenchProject("2.40", engine.endpoint, writes(lines), async (project) => {
    const { docker, environment, name } = project
    const ids = await idsOf(project)
    await promisify(execFile)(docker, ["wait", ...ids], { env: environment })
    const taken = { merged: measured(), each: measured(), cli: measured() }
    const read = (variant: "merged" | "each") => async () => {
      const value = await childValue("composeLogsChild.ts", [variant, engine.endpoint, name, ids.join()])
      if (numberAt(value, "lines") !== lines * 10) throw new Error(`${variant} read ${numberAt(value, "lines")} lines.`)
      if (variant === "merged" && numberAt(value, "unordered") !== 0)
        throw new Error("The merged lines are not in order.")
      return value
    }
    const turns = {
      merged: read("merged"),
      each: read("each"),
      cli: () => {
        const script = `exec "$0" compose --project-name "$1" logs --no-color > /dev/null`
        return commandCost("sh", ["-c", script, docker, name], environment)
      }
    }
    const variants = ["merged", "each", "cli"] as const
    for (let round = 0; round < rounds; round++) {
      for (let place = 0; place < variants.length; place++) {
        const variant = variants[(round + place) % variants.length] ?? "merged"
        progress(`compose: logs, round ${round + 1} of ${rounds}, ${variant}`)
        const value = await turns[variant]()
        taken[variant].seconds.push(numberAt(value, "seconds"))
        taken[variant].cpu.push((numberAt(value, "cpuSeconds") / lines) * 100_000)
      }
    }
    const titles = { merged: "Compose.logsBatches", each: "Logs.readBatches of each", cli: "docker compose logs" }
    const note = `10 times ${lines} lines`
    return [
      ...variants.flatMap((variant): ReadonlyArray<Row> => [
        { name: titles[variant], unit: "s", values: taken[variant].seconds, note },
        { name: `${titles[variant]}: CPU`, unit: "s / million lines", values: taken[variant].cpu }
      ]),
      ...(["cpu", "seconds"] as const).flatMap((what): ReadonlyArray<Row> => [
        {
          name: `${titles.merged} against ${titles.each}: ${what === "cpu" ? "CPU" : "time"}`,
          unit: "x",
          values: ratios(taken.merged[what], taken.each[what]),
          goal: atMost(1.3)
        },
        {
          name: `${titles.merged} against ${titles.cli}: ${what === "cpu" ? "CPU" : "time"}`,
          unit: "x",
          values: ratios(taken.merged[what], taken.cli[what]),
          goal: atMost(1)
        }
      ])
    ]
  })
}

const followRows = ({ engine, progress, quick }: BenchContext): Promise<ReadonlyArray<Row>> => {
  const [seconds, rounds] = quick ? [3, 1] : [10, 3]
  progress("compose: starting ten services that write")
  return withBenchProject("2.40", engine.endpoint, writesOn, async (project) => {
    const ids = (await idsOf(project)).join()
    const variants = ["merged", "each"] as const
    const taken = { merged: measured(), each: measured() }
    const rates: Array<number> = []
    let [unordered, late] = [0, 0]
    for (let round = 0; round < rounds; round++) {
      for (const variant of round % 2 === 0 ? variants : variants.toReversed()) {
        progress(`compose: follow, round ${round + 1} of ${rounds}, ${variant}`)
        const value = await childValue("composeLogsChild.ts", [
          variant,
          engine.endpoint,
          project.name,
          ids,
          String(seconds)
        ])
        const rate = numberAt(value, "lines") / numberAt(value, "seconds")
        taken[variant].cpu.push((numberAt(value, "cpuSeconds") / numberAt(value, "lines")) * 1e6)
        if (variant === "each") continue
        rates.push(rate)
        unordered += numberAt(value, "unordered")
        late = Math.max(late, numberAt(value, "lateMillis"))
      }
    }
    const note = `${quantile(rates, 0.5).toFixed(0)} lines/s; ${unordered} out of order, by ${late} ms at most`
    return [
      { name: "Compose.logsBatches, follow: CPU", unit: "s / million lines", values: taken.merged.cpu, note },
      { name: "Logs.followBatches of each: CPU", unit: "s / million lines", values: taken.each.cpu },
      {
        name: "Compose.logsBatches against Logs.followBatches of each: CPU",
        unit: "x",
        values: ratios(taken.merged.cpu, taken.each.cpu),
        goal: atMost(1.3)
      }
    ]
  })
}

/** The merged logs of ten services, against those of each and the docker command. */
export const composeLogRows = async (context: BenchContext): Promise<ReadonlyArray<Row>> => [
  ...(await historyRows(context)),
  ...(await followRows(context))
]
