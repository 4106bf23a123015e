import { parseArgs } from "node:util"
import { engineLine, ensureEngine } from "../engine/ensureEngine.js"
import { sweepDeadRuns, sweepRun } from "../engine/sweep.js"
import { testRunId } from "../engine/testRun.js"
import { follow } from "./follow.js"
import { killserver } from "./killserver.js"
import type { Stress } from "./Stress.js"

const stresses: ReadonlyArray<Stress> = [follow, killserver]

const usage = `Usage: npm run stress -- [names] [--rounds N]

  names     the stress tests to run; default: all
${stresses.map(({ name, title }) => `            ${name}: ${title}`).join("\n")}
  --rounds  how often to run each, default 1

  Fails if anything was wrong.`

const print = (line: string) => process.stdout.write(`${line}\n`)

const run = async (chosen: ReadonlyArray<Stress>, rounds: number): Promise<number> => {
  const engine = await ensureEngine(print)
  if (!engine.available) {
    process.stderr.write(`${engine.reason}\n`)
    return 1
  }
  print(engineLine(engine))
  await sweepDeadRuns(engine.endpoint)
  let isRight = true
  try {
    for (const stress of chosen) isRight = (await stress.run({ endpoint: engine.endpoint, rounds, print })) && isRight
  } finally {
    await sweepRun(engine.endpoint, testRunId())
  }
  return isRight ? 0 : 1
}

const { positionals, values } = parseArgs({
  options: { rounds: { type: "string", default: "1" } },
  allowPositionals: true
})
const rounds = Number(values.rounds)
const unknown = positionals.filter((word) => !stresses.some(({ name }) => name === word))
if (unknown.length > 0 || !Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write(`${usage}\n`)
  process.exitCode = 2
} else {
  process.exitCode = await run(
    stresses.filter(({ name }) => positionals.length === 0 || positionals.includes(name)),
    rounds
  )
}
