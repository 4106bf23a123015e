import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { editionVariable } from "../engine/composeEditions.js"
import { packagesUnavailable } from "../engine/debianPackages.js"
import { type EngineName, engineNames, isEngineName } from "./engineName.js"
import { isNodeLine, nodeCommand, nodeReleases, ownLine } from "./nodeRelease.js"
import { settings, type TableRun } from "./outcomes.js"
import { readme, writeTable } from "./readmeTable.js"
import { supportTable } from "./supportTable.js"
import { isCi } from "../engine/isCi.js"

const usage = `Usage: npm run conformance -- [--engine NAME]... [--node LINE]... [--write]

  Runs every method of core against every engine, and prints a table of the results. Then, has every engine that can reach
  a registry fail with registries in every way that the tests know, and runs the tests of compose projects with compose 2.40.

  --engine  run only these engines: ${engineNames.join(", ")}
  --node    run with these major versions of Node (${Object.keys(nodeReleases).join(", ")}), which npm fetches if necessary;
            without --engine, on the engines memory and usual
  --write   write the table to packages/core/README.md if everything ran and passed

  Without --engine and --node: all engines with this Node, and memory and usual with the other versions.`

const root = fileURLToPath(new URL("../..", import.meta.url))

interface Plan {
  readonly line: string
  readonly engines: ReadonlyArray<EngineName>
}

/** Runs the table in a separate vitest process. */
const runTable = async ({ engines, line }: Plan): Promise<TableRun | undefined> => {
  const folder = await mkdtemp(join(tmpdir(), "dockwire-conformance-"))
  try {
    const file = join(folder, "outcomes.json")
    const [command = "", ...args] = nodeCommand(line)
    const tests = ["test/conformance/conformance.test.ts", "test/conformance/composeEngines.test.ts"]
    const vitest = ["node_modules/vitest/vitest.mjs", "run", ...tests, "--reporter=dot"]
    const child = spawn(command, [...args, ...vitest], {
      cwd: root,
      stdio: "inherit",
      env: { ...process.env, [settings.engines]: engines.join(","), [settings.outcomes]: file }
    })
    await once(child, "close")
    const text = await readFile(file, "utf8").catch(() => undefined)
    if (child.exitCode !== 0) process.exitCode = 1
    return text === undefined ? undefined : JSON.parse(text)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Engines with registries of their own: the others reach the same as the usual one, or none. */
const withRegistries = new Set<EngineName>(["usual", "20.10", "28.5", "28.5-containerd", "podman"])

/** Runs the failures of registries in a separate vitest process, with this Node. */
const runRegistryFailures = async (engines: ReadonlyArray<EngineName>): Promise<void> => {
  const wanted = engines.filter((name) => withRegistries.has(name))
  if (wanted.length === 0) return
  const file = "test/conformance/registryFailures.test.ts"
  // Most of the time, engines wait before they try again.
  const args = ["node_modules/vitest/vitest.mjs", "run", file, "--reporter=dot", "--maxConcurrency=12"]
  const env = { ...process.env, [settings.engines]: wanted.join(",") }
  const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit", env })
  await once(child, "close")
  if (child.exitCode !== 0) process.exitCode = 1
}

/** The tests that `npm test` runs with the usual compose alone. */
const composeTests = [
  "test/core/compose/interrupted.test.ts",
  "test/core/composeProject",
  "test/packages/composeUp.test.ts"
]

/** Runs the tests of compose projects with the newest compose, in a separate vitest process. */
const runNewestCompose = async (): Promise<void> => {
  const args = ["node_modules/vitest/vitest.mjs", "run", ...composeTests, "--reporter=dot"]
  const env = { ...process.env, [editionVariable]: "2.40" }
  const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit", env })
  await once(child, "close")
  if (child.exitCode !== 0) process.exitCode = 1
}

const run = async (named: ReadonlyArray<EngineName>, lines: ReadonlyArray<string>, write: boolean): Promise<void> => {
  const unavailable = await packagesUnavailable()
  const wanted = named.length > 0 ? named : lines.length > 0 ? (["memory", "usual"] as const) : engineNames
  const extra = wanted.filter((name) => name !== "memory" && name !== "usual")
  if (unavailable !== undefined && extra.length > 0) {
    console.error(`Not available here: ${extra.join(", ")} (${unavailable}).`)
    process.exitCode = 1
    if (named.length > 0 || isCi) return
  }
  const engines = unavailable === undefined ? wanted : wanted.filter((name) => name === "memory" || name === "usual")
  const all = named.length === 0 && lines.length === 0
  const plans: ReadonlyArray<Plan> = all
    ? [
        { line: ownLine, engines },
        ...Object.keys(nodeReleases)
          .filter((line) => line !== ownLine)
          .map((line): Plan => ({ line, engines: ["memory", "usual"] }))
      ]
    : (lines.length > 0 ? lines : [ownLine]).map((line) => ({ line, engines }))
  const runs: Array<TableRun> = []
  for (const plan of plans) {
    const result = await runTable(plan)
    if (result === undefined) process.exitCode = 1
    else runs.push(result)
  }
  if (plans.some(({ line }) => line === ownLine)) {
    await runRegistryFailures(engines)
    if (engines.includes("usual") && unavailable === undefined) await runNewestCompose()
  }
  if (runs.length === 0) return
  const text = supportTable(runs)
  console.log(text)
  const isWhole = all && engines.length === engineNames.length && process.exitCode === undefined
  if (!write) return
  if (!isWhole) {
    console.error("The README was not changed: some tests failed or did not run.")
    process.exitCode = 1
    return
  }
  await writeTable(text)
  await once(spawn("npx", ["oxfmt", readme], { cwd: root, stdio: "inherit" }), "close")
}

const parsed = (() => {
  try {
    const { values } = parseArgs({
      options: {
        engine: { type: "string", multiple: true, default: [] },
        node: { type: "string", multiple: true, default: [] },
        write: { type: "boolean", default: false }
      }
    })
    const wrong = [
      ...values.engine.filter((name) => !isEngineName(name)),
      ...values.node.filter((line) => !isNodeLine(line) && line !== ownLine)
    ]
    if (wrong.length > 0) throw new Error(`Unknown: ${wrong.join(", ")}`)
    return { engines: values.engine.filter(isEngineName), lines: values.node, write: values.write }
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    return undefined
  }
})()

if (parsed === undefined) process.exitCode = 2
else await run(parsed.engines, parsed.lines, parsed.write)
