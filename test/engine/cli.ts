import { answersPing } from "./engineRequest.js"
import { engineLine, ensureEngine } from "./ensureEngine.js"
import { privateEngineFolder } from "./engineFolders.js"
import { sweepKillableEngines } from "./killableEngine.js"
import { stopPrivateEngine } from "./privateEngine.js"
import { packagesUnavailable } from "./debianPackages.js"
import { reachableEndpoint } from "./reachableEndpoint.js"
import { sweepDeadRuns } from "./sweep.js"

const usage = `Usage: npm run engine -- start | stop | status

  start   make an engine ready: the one that answers already, else one of the tests' own
  stop    stop the tests' own engine; one of yours is never touched
  status  say which engine the tests would use`

const start = async (): Promise<number> => {
  const engine = await ensureEngine(console.log)
  if (!engine.available) {
    console.error(engine.reason)
    return 1
  }
  await sweepDeadRuns(engine.endpoint)
  await sweepKillableEngines()
  console.log(engineLine(engine))
  if (engine.composeCommand !== undefined) console.log(`Compose command: ${engine.composeCommand.join(" ")}`)
  console.log(`export DOCKER_HOST=${engine.endpoint}`)
  return 0
}

const stop = async (): Promise<number> => {
  const unavailable = await packagesUnavailable()
  if (unavailable !== undefined) {
    console.log(`The tests can't run their own engine here: ${unavailable}.`)
    return 0
  }
  await sweepKillableEngines()
  const stopped = await stopPrivateEngine()
  console.log(stopped ? "Stopped the test engine." : "The test engine was not running.")
  return 0
}

const status = async (): Promise<number> => {
  const own = privateEngineFolder()
  const reachable = (await reachableEndpoint()).endpoint
  const endpoint = reachable ?? ((await answersPing(own.endpoint)) ? own.endpoint : undefined)
  if (endpoint !== undefined) {
    const kind = endpoint === own.endpoint ? `the tests' own, in ${own.root}` : "found"
    console.log(`An engine answers at ${endpoint} (${kind}).`)
    console.log(`export DOCKER_HOST=${endpoint}`)
    return 0
  }
  const unavailable = await packagesUnavailable()
  const next =
    unavailable === undefined
      ? "Run `npm run engine -- start` to start one."
      : `The tests can't start one: ${unavailable}.`
  console.log(`No engine answers. ${next}`)
  return 1
}

const commands: Readonly<Record<string, () => Promise<number>>> = { start, stop, status }

const [word, ...more] = process.argv.slice(2)
const command = word === undefined || more.length > 0 || !Object.hasOwn(commands, word) ? undefined : commands[word]
if (command === undefined) {
  console.error(usage)
  process.exitCode = 2
} else {
  process.exitCode = await command()
}
