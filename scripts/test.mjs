/**
 * Runs the checks, and then the tests with the arguments. Before a run of all tests, fetches what they need while the checks
 * run. Needs the dependencies.
 */
import { spawn } from "node:child_process"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const module = (path) => join(root, "node_modules", path)

/** The compiler, the linter, docker and compose are written in Go: they collect less garbage if they may use more memory. */
const env = { GOGC: "400", ...process.env }

const running = new Set()
// A terminal sends an interrupt to all of them.
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => running.forEach((child) => child.kill(signal)))
process.on("SIGINT", () => {})

const start = (command, args, options = {}) => {
  const child = spawn(command, args, { cwd: root, env, stdio: "inherit", ...options })
  running.add(child)
  const ended = new Promise((resolve) => {
    child.on("error", (error) => {
      console.error(`${command} did not start: ${error.message}`)
      resolve(1)
    })
    child.on("close", (code) => {
      running.delete(child)
      resolve(code ?? 1)
    })
  })
  return { child, ended }
}

const node = (...args) => start(process.execPath, args)

const npm = process.env.npm_execpath
const runScript = (name) =>
  npm !== undefined && basename(npm) === "npm-cli.js"
    ? node(npm, "run", "--silent", name)
    : start("npm", ["run", "--silent", name], { shell: process.platform === "win32" })

const args = process.argv.slice(2)
const fetching = args.length === 0 ? node(module("tsx/dist/cli.mjs"), "test/engine/fetchParts.ts") : undefined

process.exitCode = await runScript("check").ended
if (process.exitCode === 0) process.exitCode = await node(module("vitest/vitest.mjs"), "run", ...args).ended
fetching?.child.kill()
