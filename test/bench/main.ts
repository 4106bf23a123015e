import { writeFile } from "node:fs/promises"
import { cpus } from "node:os"
import { engineLine, ensureEngine } from "../engine/ensureEngine.js"
import { sweepDeadRuns, sweepRun } from "../engine/sweep.js"
import { testRunId } from "../engine/testRun.js"
import type { Benchmark } from "./Benchmark.js"
import { buildContext } from "./buildContext.js"
import { compat } from "./compat.js"
import { compose } from "./compose.js"
import { containers } from "./containers.js"
import { drops } from "./drops.js"
import { exec } from "./exec.js"
import { fanout } from "./fanout.js"
import { follow } from "./follow.js"
import { joining } from "./join.js"
import { latency } from "./latency.js"
import { lines } from "./lines.js"
import { operations } from "./operations.js"
import { pull } from "./pull.js"
import { read } from "./read.js"
import { store } from "./store.js"
import { start } from "./start.js"
import { viewers } from "./viewers.js"
import { resultRecord, resultTable } from "./resultTable.js"

const benchmarks: ReadonlyArray<Benchmark> = [
  lines,
  read,
  latency,
  follow,
  viewers,
  fanout,
  drops,
  containers,
  exec,
  pull,
  buildContext,
  compose,
  compat,
  operations,
  joining,
  store,
  start
]

const usage = `Usage: npm run bench -- [names] [--quick] [--json FILE]

  names        the benchmarks to run: ${benchmarks.map(({ name }) => name).join(", ")}; default: all
  --quick      measure less, in about a minute: too little to compare with the goals
  --json FILE  also write the values of each round as JSON`

interface Request {
  readonly chosen: ReadonlyArray<Benchmark>
  readonly quick: boolean
  readonly file: string | undefined
}

const parse = (args: ReadonlyArray<string>): Request | undefined => {
  const chosen: Array<Benchmark> = []
  let quick = false
  let file: string | undefined
  for (let index = 0; index < args.length; index++) {
    const word = args[index]
    const benchmark = benchmarks.find(({ name }) => name === word)
    if (word === "--quick") quick = true
    else if (word === "--json" && args[index + 1] !== undefined) file = args[++index]
    else if (benchmark !== undefined) chosen.push(benchmark)
    else return undefined
  }
  return { chosen: chosen.length === 0 ? benchmarks : chosen, quick, file }
}

const progress = (line: string) => process.stderr.write(`  ... ${line}\n`)

const run = async ({ chosen, file, quick }: Request): Promise<number> => {
  const started = Date.now()
  const engine = await ensureEngine(progress)
  if (!engine.available) {
    process.stderr.write(`${engine.reason}\n`)
    return 1
  }
  const processors = cpus()
  process.stdout.write(`${engineLine(engine)}\n`)
  process.stdout.write(
    `Node ${process.version}, ${processors.length} CPUs (${processors[0]?.model ?? "unknown"})${quick ? ", quick" : ""}\n`
  )
  await sweepDeadRuns(engine.endpoint)
  const records: Array<Readonly<Record<string, unknown>>> = []
  let failed = false
  try {
    for (const benchmark of chosen) {
      const start = Date.now()
      try {
        const rows = await benchmark.run({ engine, quick, progress })
        records.push(...rows.map((row) => resultRecord(benchmark.name, row, !quick)))
        const seconds = Math.round((Date.now() - start) / 1000)
        process.stdout.write(`\n${benchmark.name}: ${benchmark.title} (${seconds} s)\n${resultTable(rows, !quick)}\n`)
      } catch (error) {
        failed = true
        const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
        process.stdout.write(`\n${benchmark.name}: failed\n${message}\n`)
        records.push({ benchmark: benchmark.name, failed: message })
      }
    }
  } finally {
    await sweepRun(engine.endpoint, testRunId())
  }
  process.stdout.write(`\n${Math.round((Date.now() - started) / 1000)} s in total\n`)
  if (file !== undefined) {
    const result = {
      at: new Date(started).toISOString(),
      node: process.version,
      cpus: processors.length,
      cpu: processors[0]?.model,
      engine: { version: engine.version, apiVersion: engine.apiVersion },
      quick,
      rows: records
    }
    await writeFile(file, `${JSON.stringify(result, undefined, 2)}\n`)
  }
  return failed ? 1 : 0
}

const request = parse(process.argv.slice(2))
if (request === undefined) {
  process.stderr.write(`${usage}\n`)
  process.exitCode = 2
} else {
  process.exitCode = await run(request)
}
