import { execFile } from "node:child_process"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { type ComposeEdition, composeEnvironment, obtainCompose } from "../engine/composeEditions.js"
import { testProjectName } from "../engine/testRun.js"

const run = promisify(execFile)

/** A project of ten services on an engine, and the docker command that made it. */
export interface BenchProject {
  readonly name: string
  readonly directory: string
  readonly docker: string
  /** Of the docker command, with which it is of the edition and connects to the engine. */
  readonly environment: Readonly<Record<string, string>>
  /** Runs a command of compose, and returns what it printed. */
  readonly compose: (...args: ReadonlyArray<string>) => Promise<string>
}

/** Starts ten services, of which each has these settings in YAML, and takes them down afterwards. */
export const withBenchProject = async <A>(
  edition: ComposeEdition,
  endpoint: string,
  settings: string,
  use: (project: BenchProject) => Promise<A>
): Promise<A> => {
  const folder = await mkdtemp(join(tmpdir(), "dockwire-bench-"))
  const tools = await obtainCompose(edition)
  const environment = { ...(await composeEnvironment(tools, join(folder, "tools"))), DOCKER_HOST: endpoint }
  const directory = join(folder, "project")
  const name = testProjectName(`bench-${edition.replace(".", "")}-${process.hrtime.bigint() % 1_000_000n}`)
  const compose = async (...args: ReadonlyArray<string>) =>
    (await run("docker", ["compose", ...args], { cwd: directory, env: environment })).stdout
  const services = Array.from({ length: 10 }, (_, index) => `  service${index}: { image: busybox, ${settings} }\n`)
  try {
    await mkdir(join(directory, "data"), { recursive: true })
    await writeFile(join(directory, "compose.yaml"), `name: ${name}\nservices:\n${services.join("")}`)
    await compose("up", "--detach")
    return await use({ name, directory, docker: tools.docker, environment, compose })
  } finally {
    await compose("down", "--timeout", "0").catch(() => {})
    await rm(folder, { recursive: true, force: true })
  }
}
