import { cp, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { command, type CommandResult } from "./command.js"
import { repositoryRoot } from "./repositoryRoot.js"

const lock = (version: string) =>
  JSON.stringify({
    packages: {
      "": { name: "demo" },
      "node_modules/left": { version, integrity: "sha512-left" },
      "node_modules/other-platform": { version: "1.0.0", optional: true, os: ["nowhere"] }
    }
  })

/** A fake npm: records the call, takes a while, and installs as npm does, its own lockfile last. */
const npm = `
const { appendFileSync, mkdirSync, readFileSync, writeFileSync } = require("node:fs")
appendFileSync("calls", process.argv[2] + "\\n")
if (process.env.NPM_FAILS) { console.error("no such version"); process.exit(3) }
setTimeout(() => {
  mkdirSync("node_modules/left", { recursive: true })
  writeFileSync("node_modules/left/package.json", "{}")
  writeFileSync("node_modules/.package-lock.json", readFileSync("package-lock.json"))
}, 500)
`

interface Project {
  readonly folder: string
  readonly install: (variables?: Readonly<Record<string, string>>) => Promise<CommandResult>
  /** The number of calls of npm. */
  readonly calls: () => Promise<number>
}

const makeProject = async (): Promise<Project> => {
  const folder = await mkdtemp(join(tmpdir(), "dockwire-install-"))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await cp(join(repositoryRoot, "scripts"), join(folder, "scripts"), { recursive: true })
  await writeFile(join(folder, "package-lock.json"), lock("1.0.0"))
  await writeFile(join(folder, "npm-cli.js"), npm)
  return {
    folder,
    install: (variables = {}) =>
      command(folder, process.execPath, ["scripts/install-dependencies.mjs"], {
        npm_execpath: join(folder, "npm-cli.js"),
        ...variables
      }),
    calls: async () => (await readFile(join(folder, "calls"), "utf8").catch(() => "")).split("\n").length - 1
  }
}

const installed: CommandResult = { code: 0, output: "Installing the dependencies (npm ci)\n" }
const nothing: CommandResult = { code: 0, output: "" }

describe("installing the dependencies", () => {
  it("prints one line, and does nothing if everything is installed", async () => {
    const { calls, install } = await makeProject()
    expect(await install()).toEqual(installed)
    expect(await install()).toEqual(nothing)
    expect(await calls()).toBe(1)
  })

  it("is repeated if the lockfile changed, a package is missing, or an install was aborted", async () => {
    const { calls, folder, install } = await makeProject()
    await install()
    await writeFile(join(folder, "package-lock.json"), lock("1.0.1"))
    expect(await install()).toEqual(installed)
    await rm(join(folder, "node_modules/left"), { recursive: true })
    expect(await install()).toEqual(installed)
    await rm(join(folder, "node_modules/.package-lock.json"))
    expect(await install()).toEqual(installed)
    expect(await install()).toEqual(nothing)
    expect(await calls()).toBe(4)
  })

  it("happens once if several processes start it", async () => {
    const { calls, install } = await makeProject()
    const results = await Promise.all([install(), install(), install()])
    expect(results.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(await calls()).toBe(1)
  })

  it("takes over from a process that died", async () => {
    const { folder, install } = await makeProject()
    await mkdir(join(folder, ".cache"))
    await writeFile(join(folder, ".cache/install.lock"), "somebody 4194305")
    const longAgo = new Date(Date.now() - 60_000)
    await utimes(join(folder, ".cache/install.lock"), longAgo, longAgo)
    expect(await install()).toEqual(installed)
    expect(await install()).toEqual(nothing)
  })

  it("prints the output of npm and fails if npm fails, and does not block the next attempt", async () => {
    const { install } = await makeProject()
    const { code, output } = await install({ NPM_FAILS: "1" })
    expect(code).toBe(1)
    expect(output).toContain("no such version\n")
    expect(await install()).toEqual(installed)
  })
})
