import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { jsonAt } from "../engine/engineRequest.js"
import { command } from "./command.js"
import type { PackedPackage } from "./packedPackages.js"

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

/** Modules that the project requires. */
export const requirable = [
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

/** A project that installs the packages. */
export interface Consumer {
  readonly folder: string
  /** The oldest Effect that all three packages accept, not the one that they were compiled against. */
  readonly effectVersion: string
  /** Whether the npm registry can't be reached, so that nothing is installed. */
  readonly isUnreachable: boolean
  readonly remove: () => Promise<void>
}

/** Makes a project that installs packages from their tarballs. */
export const installConsumer = async (packages: ReadonlyArray<PackedPackage>): Promise<Consumer> => {
  const folder = await mkdtemp(join(tmpdir(), "dockwire-consumer-"))
  const remove = () => rm(folder, { recursive: true, force: true })
  const server = packages.find(({ name }) => name === "@dockwire/server")
  const effectVersion = String(jsonAt(server?.manifest, "peerDependencies", "effect")).replace("^", "")
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
  const isUnreachable = code !== 0 && /ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ENOTCACHED/.test(output)
  if (code !== 0 && !isUnreachable) {
    await remove()
    throw new Error(output)
  }
  return { folder, effectVersion, isUnreachable, remove }
}
