import { parseArgs } from "node:util"
import { engineLine, ensureEngine } from "../engine/ensureEngine.js"
import { sweepDeadRuns, sweepRun } from "../engine/sweep.js"
import { testRunId } from "../engine/testRun.js"
import { containerCuts, operationCuts } from "./cuts.js"
import { disk } from "./disk.js"
import { follow } from "./follow.js"
import { kept, keptBursts } from "./kept.js"
import { killserver } from "./killserver.js"
import { killstore } from "./killstore.js"
import type { Stress } from "./Stress.js"

const stresses: ReadonlyArray<Stress> = [
  containerCuts,
  operationCuts,
  disk,
  follow,
  kept,
  keptBursts,
  killserver,
  killstore
]

const usage = `Usage: npm run stress -- [names] [--rounds N] [--seed N]

  names     the stress tests to run; default: all
${stresses.map(({ name, title }) => `            ${name}: ${title}`).join("\n")}
  --rounds  how often to run each, default 1
  --seed    what chance depends on, to repeat a run; default: another one each time

  Fails if anything was wrong.`

const print = (line: string) => process.stdout.write(`${line}\n`)

const run = async (chosen: ReadonlyArray<Stress>, rounds: number, seed: number): Promise<number> => {
  const engine = await ensureEngine(print)
  if (!engine.available) {
    process.stderr.write(`${engine.reason}\n`)
    return 1
  }
  print(engineLine(engine))
  print(`--seed ${seed}`)
  await sweepDeadRuns(engine.endpoint)
  let isRight = true
  try {
    for (const stress of chosen)
      isRight = (await stress.run({ endpoint: engine.endpoint, rounds, seed, print })) && isRight
  } finally {
    await sweepRun(engine.endpoint, testRunId())
  }
  return isRight ? 0 : 1
}

const { positionals, values } = parseArgs({
  options: {
    rounds: { type: "string", default: "1" },
    seed: { type: "string", default: String(Date.now() % 1_000_000_007) }
  },
  allowPositionals: true
})
const rounds = Number(values.rounds)
const seed = Number(values.seed)
const unknown = positionals.filter((word) => !stresses.some(({ name }) => name === word))
if (unknown.length > 0 || !Number.isInteger(rounds) || rounds < 1 || !Number.isInteger(seed)) {
  process.stderr.write(`${usage}\n`)
  process.exitCode = 2
} else {
  process.exitCode = await run(
    stresses.filter(({ name }) => positionals.length === 0 || positionals.includes(name)),
    rounds,
    seed
  )
}
