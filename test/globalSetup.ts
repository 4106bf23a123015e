import type { TestProject } from "vitest/node"
import { engineLine, ensureEngine } from "./engine/ensureEngine.js"
import { isCi } from "./engine/isCi.js"
import { sweepKillableEngines } from "./engine/killableEngine.js"
import { stopPrivateEngine } from "./engine/privateEngine.js"
import type {} from "./engine/realEngine.js"
import { sweepDeadRuns, sweepRun } from "./engine/sweep.js"
import { testRunId } from "./engine/testRun.js"

/**
 * Makes one engine ready for the whole run and says which. What dead runs left behind is removed first, what this run
 * made last. The private engine is left running, so that the next run starts at once; only under `CI`, where nobody
 * comes after, is one that this run started stopped. Under `CI` a run without any engine fails.
 */
const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const runId = testRunId()
  const engine = await ensureEngine(console.log)
  await sweepKillableEngines()
  if (engine.available) {
    await sweepDeadRuns(engine.endpoint)
    console.log(engineLine(engine))
  } else {
    if (isCi) throw new Error(`${engine.reason} In CI, the tests need an engine.`)
    console.log(`Skipping the tests that need an engine. ${engine.reason}`)
  }
  project.provide("engine", { ...engine, runId })
  return async () => {
    await sweepKillableEngines(runId)
    if (!engine.available) return
    await sweepRun(engine.endpoint, runId)
    if (isCi && engine.startedHere) await stopPrivateEngine()
  }
}

export default setup
