import { build } from "esbuild"
import { spawn } from "node:child_process"
import { readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { jsonAt } from "../engine/engineRequest.js"
import { testEngine } from "../engine/realEngine.js"
import { uniqueName } from "../engine/testContainer.js"
import { repositoryRoot } from "./repositoryRoot.js"

/** How an example ended, and what it printed. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** An example that runs. */
export interface RunningExample {
  readonly ended: Promise<Ended>
  /** Waits until it has written this to its standard output. */
  readonly printed: (text: RegExp) => Promise<void>
  readonly type: (keys: string) => void
}

/** Examples of a package, bundled, so that each run starts in a tenth of the time. */
export interface BundledExamples {
  /** Runs one on a terminal of 80 columns and 24 rows, as a shell does. Everything it prints is its standard output. */
  readonly onTerminal: (name: string, ...args: ReadonlyArray<string>) => RunningExample
  /** Runs one without a terminal. */
  readonly elsewhere: (name: string, ...args: ReadonlyArray<string>) => RunningExample
  readonly remove: () => Promise<void>
}

const start = (
  file: string,
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>>
): RunningExample => {
  const child = spawn(file, args, { env: { ...process.env, DOCKER_HOST: testEngine().endpoint, ...environment } })
  const [out, err]: [Array<Buffer>, Array<Buffer>] = [[], []]
  const textOf = (chunks: ReadonlyArray<Buffer>) => Buffer.concat(chunks).toString("utf8")
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk))
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk))
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject)
    child.on("close", (code) => resolve({ code, stdout: textOf(out), stderr: textOf(err) }))
  })
  const printed = (text: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => text.test(textOf(out)) && resolve()
      child.stdout.on("data", look)
      child.on("close", () => reject(new Error(`it ended without ${text}: ${textOf(out)}${textOf(err)}`)))
      look()
    })
  return { ended, printed, type: (keys) => child.stdin.write(keys) }
}

/** What core and the package depend on, each other apart. */
const dependenciesOf = async (name: string): Promise<ReadonlyArray<string>> => {
  const found = await Promise.all(
    ["core", name].map(async (folder) => {
      const file = join(repositoryRoot, "packages", folder, "package.json")
      return Object.keys(Object(jsonAt(JSON.parse(await readFile(file, "utf8")), "dependencies")))
    })
  )
  return found.flat().filter((dependency) => !dependency.startsWith("@dockwire/"))
}

/** Bundles examples into a folder from which packages are found. They run with these variables besides those of the tests. */
export const bundleExamples = async (
  names: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>> = {},
  packageFolder: "core" | "server" = "core"
): Promise<BundledExamples> => {
  const folder = join(repositoryRoot, ".cache", `examples-${uniqueName("run")}`)
  await build({
    entryPoints: names.map((name) => join(repositoryRoot, "packages", packageFolder, "examples", name)),
    outdir: folder,
    bundle: true,
    format: "esm",
    platform: "node",
    external: [...(await dependenciesOf(packageFolder))],
    logLevel: "error"
  })
  await writeFile(join(folder, "package.json"), '{"type":"module"}')
  const path = (name: string) => join(folder, `${name.slice(0, -".ts".length)}.js`)
  return {
    onTerminal: (name, ...args) => {
      const words = [process.execPath, path(name), ...args].map((word) => `'${word}'`).join(" ")
      return start("script", ["-qec", `stty cols 80 rows 24; ${words}`, "/dev/null"], environment)
    },
    elsewhere: (name, ...args) => start(process.execPath, [path(name), ...args], environment),
    remove: () => rm(folder, { recursive: true, force: true })
  }
}
