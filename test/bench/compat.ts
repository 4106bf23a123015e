import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { composeEnvironment, obtainCompose } from "../engine/composeEditions.js"
import { importBusybox } from "../engine/busyboxImage.js"
import { obtainBinaries } from "../engine/engineBinaries.js"
import { engineCall } from "../engine/engineRequest.js"
import { killableEngineUnavailable, startKillableEngine } from "../engine/killableEngine.js"
import { createTestContainer } from "../engine/testContainer.js"
import { testProjectName } from "../engine/testRun.js"
import { atLeast, type BenchContext, type Benchmark, type Row } from "./Benchmark.js"
import { childValue, numbersAt, propertyAt } from "./childProcess.js"
import { type CompatCall, sequences } from "./compatCalls.js"
import { median, ratios } from "./statistics.js"

const service = `{ image: busybox, init: true, command: [sleep, "100000"] }`

/** How many times as fast a function is as its command, and how many times less CPU time it takes. */
const rowsOf = ({ docker, isList, title }: CompatCall, value: unknown): ReadonlyArray<Row> => {
  const figures = (variant: "compat" | "docker", what: "p50" | "cpu") =>
    numbersAt(propertyAt(propertyAt(value, title), variant), what)
  const millis = (variant: "compat" | "docker", what: "p50" | "cpu") =>
    `${median(figures(variant, what)).toFixed(1)} ms`
  const command = `docker ${docker("X").join(" ")}`
  return (["p50", "cpu"] as const).map((what): Row => ({
    name: `${title} against ${command}: ${what === "cpu" ? "CPU" : what}`,
    unit: "x",
    values: ratios(figures("docker", what), figures("compat", what)),
    goal: atLeast(isList === true && what === "p50" ? 5 : 1),
    note: `${millis("compat", what)} instead of ${millis("docker", what)}`
  }))
}

/** How much an engine has of what the lists show, as a small server does. What other tests leave must not count. */
const [containers, images, volumes] = [30, 20, 10]

/** Images of their own, and not only names of one. */
const createImages = async (endpoint: string): Promise<void> => {
  const { busyboxTar } = await obtainBinaries()
  for (let index = 1; index < images; index++) await importBusybox(endpoint, busyboxTar, `dockwire-bench-${index}`)
}

const run = async ({ progress, quick }: BenchContext): Promise<ReadonlyArray<Row>> => {
  const unavailable = await killableEngineUnavailable()
  if (unavailable !== undefined) {
    return [{ name: "docker", unit: "x", values: [], note: `not available: ${unavailable}` }]
  }
  const engine = await startKillableEngine({ name: "bench" })
  const { endpoint } = engine
  const folder = await mkdtemp(join(tmpdir(), "dockwire-bench-"))
  try {
    const environment = await composeEnvironment(await obtainCompose("2.26"), join(folder, "tools"))
    const file = join(folder, "docker-compose.yml")
    const project = testProjectName(`bench-compat-${process.hrtime.bigint() % 1_000_000n}`)
    await writeFile(file, `name: ${project}\nservices:\n  web: ${service}\n  worker: ${service}\n  cache: ${service}\n`)
    for (let index = 0; index < containers; index++) await createTestContainer({ endpoint, cmd: ["true"] })
    for (let index = 0; index < volumes; index++) await engineCall(endpoint, "POST", "/volumes/create", {})
    await createImages(endpoint)
    const counts = quick ? [2, 1, 2] : [5, 2, 7]
    progress(`compat: ${counts[2]} rounds`)
    const args = [endpoint, file, JSON.stringify(environment), ...counts.map(String)]
    const value = await childValue("compatChild.ts", args)
    return sequences.flatMap(({ calls }) => calls.flatMap((call) => rowsOf(call, value)))
  } finally {
    await engine.dispose()
    await rm(folder, { recursive: true, force: true })
  }
}

/** The old functions, against the docker command that the original ran for each. */
export const compat: Benchmark = {
  name: "compat",
  title:
    "Each old function, one call at a time, on an engine with 30 containers, 20 images and 10 volumes, and how many times as long the docker command takes that the original ran",
  run
}
