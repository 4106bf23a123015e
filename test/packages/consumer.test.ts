import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { jsonAt } from "../engine/engineRequest.js"
import { itEngine, testEngine } from "../engine/realEngine.js"
import { startTestContainer } from "../engine/testContainer.js"
import { command, tool } from "./command.js"
import { packPackages } from "./packedPackages.js"

const program = `
import { get_container_logs } from "@dockwire/compat"
import { Containers, Docker, type DockerFailure, type ContainerNotFound } from "@dockwire/core"
import { Logs } from "@dockwire/core/Logs"
import type { ServerMessage } from "@dockwire/server/Wire"
import { connect } from "@dockwire/server/client"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"

const name: string = process.argv[2] ?? ""

const container: Effect.Effect<string, ContainerNotFound | DockerFailure, Containers> = Effect.gen(function* () {
  const containers = yield* Containers
  return (yield* containers.inspect(name)).name
})

const lines = Effect.gen(function* () {
  const logs = yield* Logs
  return yield* logs.read(name).pipe(
    Stream.map((line) => line.text),
    Stream.runCollect
  )
})

// @ts-expect-error What is internal can't be imported.
export type Closed = typeof import("@dockwire/core/internal/logs/logDecoder")

export const isGap = (message: ServerMessage): boolean => message.event === "gap"

const missing = Effect.gen(function* () {
  const containers = yield* Containers
  return yield* containers.start("no-such-container").pipe(
    Effect.as("started"),
    Effect.catchTag("ContainerNotFound", (error) => Effect.succeed(error._tag))
  )
})

const live = Layer.mergeAll(Containers.layer, Logs.layer).pipe(Layer.provide(Docker.layerConfig))

const result = await Effect.runPromise(
  Effect.all({ container, lines, missing, old: Effect.promise(() => get_container_logs(name)) }).pipe(Effect.provide(live))
)
console.log(JSON.stringify({ ...result, lines: [...result.lines], connect: typeof connect }))
`

const page = `
import { connect } from "@dockwire/server/client"

const socket = connect(window.location.href)
socket.on("docker_log", (data) => document.body.append(JSON.stringify(data)))
`

const requirable = [
  "@dockwire/core",
  "@dockwire/core/Logs",
  "@dockwire/core/MemoryCompose",
  "@dockwire/core/MemoryEngine",
  "@dockwire/compat",
  "@dockwire/server",
  "@dockwire/server/Hub",
  "@dockwire/server/Wire",
  "@dockwire/server/client"
]

const required = `
for (const name of ${JSON.stringify(requirable)}) console.log(name, Object.keys(require(name)).length > 0)
`

const compiler = (file: string, options: Readonly<Record<string, unknown>>) =>
  JSON.stringify({
    compilerOptions: {
      target: "ES2022",
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      outDir: "compiled",
      ...options
    },
    files: [file]
  })

describe("a project that installs the packages", () => {
  let folder = ""
  let effectVersion = ""
  let unreachable = false

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "dockwire-consumer-"))
    const { packages, remove } = await packPackages()
    // The oldest Effect that all three packages accept, not the one that they were compiled against.
    const server = packages.find(({ name }) => name === "@dockwire/server")
    effectVersion = String(jsonAt(server?.manifest, "peerDependencies", "effect")).replace("^", "")
    const files = {
      "package.json": JSON.stringify({
        private: true,
        type: "module",
        dependencies: {
          ...Object.fromEntries(packages.map(({ name, tarball }) => [name, `file:${tarball}`])),
          effect: effectVersion
        }
      }),
      "program.ts": program,
      "page.ts": page,
      "required.cjs": required,
      "tsconfig.json": compiler("program.ts", { module: "NodeNext", lib: ["ES2023"], types: ["node"] }),
      "tsconfig.page.json": compiler("page.ts", {
        module: "ESNext",
        moduleResolution: "bundler",
        lib: ["ES2023", "DOM"],
        types: []
      })
    }
    await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text)))
    const options = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"]
    const { code, output } = await command(folder, "npm", ["install", "--loglevel=error", ...options])
    await remove()
    unreachable = code !== 0 && /ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ENOTCACHED/.test(output)
    if (code !== 0 && !unreachable) throw new Error(output)
  }, 180_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it("has one Effect, in another version than this repository", async ({ skip }) => {
    if (unreachable) skip("the npm registry can't be reached")
    const lock: unknown = JSON.parse(await readFile(join(folder, "node_modules/.package-lock.json"), "utf8"))
    const installed = Object.entries(jsonAt(lock, "packages") ?? {}).filter(([path]) =>
      /(^|\/)node_modules\/effect$/.test(path)
    )
    expect(installed.map(([, entry]) => jsonAt(entry, "version"))).toEqual([effectVersion])
    const own: unknown = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"))
    expect(jsonAt(own, "devDependencies", "effect")).not.toBe(effectVersion)
  })

  it("can load them with require()", async ({ skip }) => {
    if (unreachable) skip("the npm registry can't be reached")
    const { code, output } = await command(folder, process.execPath, ["required.cjs"])
    expect(output).toBe(requirable.map((name) => `${name} true\n`).join(""))
    expect(code).toBe(0)
  })

  it("compiles a page without the types of Node", async ({ skip }) => {
    if (unreachable) skip("the npm registry can't be reached")
    expect(await tool(folder, "tsc", "-p", "tsconfig.page.json")).toEqual({ code: 0, output: "" })
  })

  it("has the command", async ({ skip }) => {
    if (unreachable) skip("the npm registry can't be reached")
    const { code, output } = await command(folder, join(folder, "node_modules/.bin/dockwire"), ["--help"])
    expect(output).toContain("dockwire")
    expect(code).toBe(0)
  })

  itEngine("compiles a program, including all declarations, and runs it", async ({ onTestFinished, skip }) => {
    if (unreachable) skip("the npm registry can't be reached")
    expect(await tool(folder, "tsc", "-p", "tsconfig.json")).toEqual({ code: 0, output: "" })
    const { endpoint } = testEngine()
    const container = await startTestContainer({ endpoint, cmd: ["sh", "-c", "echo one; echo two"] })
    onTestFinished(container.remove)
    await container.wait()
    const { code, output } = await command(folder, process.execPath, ["compiled/program.js", container.name], {
      DOCKER_HOST: endpoint
    })
    expect(code, output).toBe(0)
    expect(JSON.parse(output)).toEqual({
      container: container.name,
      lines: ["one", "two"],
      missing: "ContainerNotFound",
      old: [true, "one\ntwo\n"],
      connect: "function"
    })
  })
})
