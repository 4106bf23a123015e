import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { expect, it } from "vitest"
import { repositoryRoot } from "../packages/repositoryRoot.js"

const run = promisify(execFile)

/** The milliseconds of the processor that a program takes, and what it keeps open. */
const cost = async (imports: ReadonlyArray<string>): Promise<{ readonly cpu: number; readonly open: string }> => {
  const program = `${imports.map((name) => `await import("${name}")\n`).join("")}
    const { user, system } = process.cpuUsage()
    console.log(JSON.stringify({ cpu: (user + system) / 1000, open: String(process.getActiveResourcesInfo().filter((name) => /TCP|UDP|Connect|AddrInfo|Timeout|Process/.test(name))) }))`
  // In core's folder, `dockerode` is found.
  const cwd = join(repositoryRoot, "packages/core")
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", program], { cwd })
  return JSON.parse(stdout)
}

// A busy machine takes a while to load this much.
const timeout = 180_000

it(
  "importing the package costs at most 1.15 times as much as effect and dockerode, and connects to nothing",
  async () => {
    const [ours, theirs] = await Promise.all([cost(["@dockwire/compat"]), cost(["effect", "dockerode"])])
    expect(ours.open).toBe("")
    expect(ours.cpu / theirs.cpu).toBeLessThan(1.15)
  },
  timeout
)
