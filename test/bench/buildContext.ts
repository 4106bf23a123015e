import { randomFillSync } from "node:crypto"
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { loadavg, tmpdir } from "node:os"
import { join } from "node:path"
import { dockerCli } from "../engine/dockerCli.js"
import { obtainBinaries } from "../engine/engineBinaries.js"
import { engineCall } from "../engine/engineRequest.js"
import { killableEngineUnavailable, startKillableEngine } from "../engine/killableEngine.js"
import { atMost, type BenchContext, type Benchmark, type Goal, type Row } from "./Benchmark.js"
import { childValue, numberAt } from "./childProcess.js"
import { type CommandCost, commandCost } from "./commandCost.js"
import { ratios } from "./statistics.js"

const folders = 1_000
const fileLength = 10_240

interface Amount {
  readonly name: string
  readonly dockerfile: string
  readonly ignored: string
  /** Whether our process has built something else before, as one that runs for long has. */
  readonly warm: boolean
  readonly first?: Goal
  readonly again?: Goal
}

const little = { dockerfile: "Dockerfile", ignored: "node_modules\n" }

/** How much of the context a build wants. */
const amounts: ReadonlyArray<Amount> = [
  { ...little, name: "1 %", warm: true, first: atMost(1), again: atMost(1) },
  { ...little, name: "1 %, in a new process", warm: false },
  {
    name: "all, in a new process",
    dockerfile: "All.Dockerfile",
    ignored: "",
    warm: false,
    first: atMost(1.1),
    again: atMost(1.5)
  }
]

/** Creates a context: a hundredth of it in `src`, the rest in `node_modules`, which only one Dockerfile ignores. */
const createContext = async (path: string, filesEach: number): Promise<void> => {
  const content = randomFillSync(Buffer.alloc(fileLength))
  for (let folder = 0; folder < folders; folder++) {
    const directory = join(path, folder < folders / 100 ? "src" : "node_modules", `package${folder}`)
    await mkdir(directory, { recursive: true })
    for (let file = 0; file < filesEach; file++) {
      content.write(`${folder}/${file};`)
      await writeFile(join(directory, `file${file}.js`), content)
    }
  }
  for (const { dockerfile, ignored } of amounts) {
    await writeFile(join(path, dockerfile), "FROM scratch\nCOPY . /\n")
    await writeFile(join(path, `${dockerfile}.dockerignore`), ignored)
  }
}

interface BuildCost extends CommandCost {
  /** How long the event loop was kept from anything else, in milliseconds: the longest, but for one in a thousand. */
  readonly pause?: number
}

type Build = (amount: Amount) => Promise<BuildCost>

const dockwire =
  (endpoint: string, path: string, other: string): Build =>
  async ({ dockerfile, warm }) => {
    const value = await childValue("buildContextChild.ts", [endpoint, path, dockerfile, ...(warm ? [other] : [])])
    return {
      seconds: numberAt(value, "seconds"),
      cpuSeconds: numberAt(value, "cpuSeconds"),
      megabytes: numberAt(value, "megabytes"),
      pause: numberAt(value, "pause")
    }
  }

const dockerBuild =
  (docker: string, config: string, endpoint: string, path: string): Build =>
  ({ dockerfile }) =>
    commandCost(docker, ["build", "-q", "-f", join(path, dockerfile), path], {
      PATH: process.env["PATH"],
      HOME: config,
      DOCKER_CONFIG: config,
      DOCKER_HOST: endpoint,
      DOCKER_BUILDKIT: "1"
    })

interface Measured {
  readonly name: string
  readonly goal: Goal | undefined
  readonly ours: Array<BuildCost>
  readonly theirs: Array<BuildCost>
}

const measure = async (endpoint: string, ours: Build, theirs: Build, { progress, quick }: BenchContext) => {
  const measured: Array<Measured> = []
  const rounds = quick ? 1 : 3
  for (const amount of amounts) {
    const { again, first, name } = amount
    const kinds = [
      { name: `${name}, first`, goal: first, ours: new Array<BuildCost>(), theirs: new Array<BuildCost>() },
      { name: `${name}, again`, goal: again, ours: new Array<BuildCost>(), theirs: new Array<BuildCost>() }
    ]
    measured.push(...kinds)
    for (let round = 0; round < rounds; round++) {
      for (const tool of round % 2 === 0 ? (["ours", "theirs"] as const) : (["theirs", "ours"] as const)) {
        // The engine keeps what it was sent in its build cache.
        await engineCall(endpoint, "POST", "/build/prune?all=1", undefined, { timeout: 600_000 })
        for (const kind of kinds) {
          progress(`build-context: round ${round + 1} of ${rounds}, ${kind.name}, ${tool}`)
          kind[tool].push(await (tool === "ours" ? ours : theirs)(amount))
        }
      }
    }
  }
  return measured
}

const rowsOf = ({ goal, name, ours, theirs }: Measured): ReadonlyArray<Row> => {
  const of = (costs: ReadonlyArray<BuildCost>, key: keyof BuildCost) => costs.map((cost) => cost[key] ?? Number.NaN)
  const rows = (tool: string, costs: ReadonlyArray<BuildCost>, memory?: Goal): ReadonlyArray<Row> => [
    { name: `${name}: ${tool}`, unit: "s", values: of(costs, "seconds") },
    { name: `${name}: ${tool}: CPU`, unit: "s", values: of(costs, "cpuSeconds") },
    {
      name: `${name}: ${tool}: memory`,
      unit: "MB",
      values: of(costs, "megabytes"),
      ...(memory === undefined ? {} : { goal: memory })
    }
  ]
  return [
    ...rows("Images.build", ours, atMost(150)),
    { name: `${name}: Images.build: event loop held`, unit: "ms", values: of(ours, "pause"), goal: atMost(20) },
    ...rows("docker build", theirs),
    {
      name: `${name}: Images.build against docker build`,
      unit: "x",
      values: ratios(of(ours, "seconds"), of(theirs, "seconds")),
      ...(goal === undefined ? {} : { goal })
    }
  ]
}

const run = async (context: BenchContext): Promise<ReadonlyArray<Row>> => {
  const docker = dockerCli()
  const unavailable = docker === undefined ? "no docker command" : await killableEngineUnavailable()
  if (docker === undefined || unavailable !== undefined) {
    return [{ name: "builds", unit: "s", values: [], note: unavailable ?? "" }]
  }
  const folder = await mkdtemp(join(tmpdir(), "dockwire-bench-"))
  // Its build cache is emptied before each first build.
  const engine = await startKillableEngine({ name: "bench" })
  try {
    context.progress("build-context: creating the context")
    const path = join(folder, "context")
    const config = join(folder, "config")
    await createContext(path, context.quick ? 5 : 100)
    await mkdir(join(config, "cli-plugins"), { recursive: true })
    await symlink((await obtainBinaries()).buildx, join(config, "cli-plugins/docker-buildx"))
    const other = join(folder, "other")
    await mkdir(other)
    await writeFile(join(other, "Dockerfile"), "FROM scratch\nCOPY . /\n")
    const ours = dockwire(engine.endpoint, path, other)
    const theirs = dockerBuild(docker, config, engine.endpoint, path)
    const before = loadavg()[0] ?? 0
    const measured = await measure(engine.endpoint, ours, theirs, context)
    return [
      ...measured.flatMap(rowsOf),
      { name: "load of the machine before", unit: "", values: [before], note: "by anything but the builds" }
    ]
  } finally {
    await engine.dispose()
    await rm(folder, { recursive: true, force: true })
  }
}

/** What sending a context costs, against the docker command, which is measured with its start. */
export const buildContext: Benchmark = {
  name: "build-context",
  title: "Building from a context of 100,000 files and 1 GB",
  run
}
