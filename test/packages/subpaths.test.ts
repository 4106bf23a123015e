import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { describe, expect, it } from "vitest"
import { command } from "./command.js"
import { repositoryRoot } from "./repositoryRoot.js"

/** Imports modules and prints the URL of every script that V8 parsed for it. */
const listLoadedModules = `
import { Session } from "node:inspector"

const urls = []
const session = new Session()
session.connect()
session.on("Debugger.scriptParsed", ({ params }) => urls.push(params.url))
session.post("Debugger.enable")
for (const specifier of process.argv.slice(1)) await import(specifier)
console.log(JSON.stringify(urls))
`

const packagesUrl = pathToFileURL(join(repositoryRoot, "packages/")).href

/** The built files of this repository's packages that are loaded by importing the modules, such as `core/dist/Logs.js`. */
const loadedFiles = async (...specifiers: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  const args = ["--input-type=module", "--eval", listLoadedModules, ...specifiers]
  const { code, output } = await command(repositoryRoot, process.execPath, args)
  if (code !== 0) throw new Error(output)
  const urls: unknown = JSON.parse(output)
  if (!Array.isArray(urls)) throw new Error(output)
  return urls.map(String).flatMap((url) => (url.startsWith(packagesUrl) ? [url.slice(packagesUrl.length)] : []))
}

/** Imports and then requires each module, and prints how that went: "loaded" or the error's code. */
const importAndRequire = `
import { createRequire } from "node:module"

const require = createRequire(process.cwd() + "/")
const outcomes = []
for (const specifier of process.argv.slice(1)) {
  outcomes.push([specifier, await import(specifier).then(() => "loaded", (error) => error.code)])
  try {
    require(specifier)
    outcomes.push([specifier, "loaded"])
  } catch (error) {
    outcomes.push([specifier, error.code])
  }
}
console.log(JSON.stringify(outcomes))
`

const outcomesOf = async (specifiers: ReadonlyArray<string>): Promise<unknown> => {
  const args = ["--no-warnings", "--input-type=module", "--eval", importAndRequire, ...specifiers]
  const { code, output } = await command(repositoryRoot, process.execPath, args)
  if (code !== 0) throw new Error(output)
  return JSON.parse(output)
}

const twice = (specifiers: ReadonlyArray<string>, outcome: string) =>
  specifiers.flatMap((specifier) => [
    [specifier, outcome],
    [specifier, outcome]
  ])

const coreFiles = await readdir(join(repositoryRoot, "packages/core/src"))
const coreModules = coreFiles.flatMap((file) =>
  file.endsWith(".ts") && file !== "index.ts" ? [file.slice(0, -3)] : []
)

const isMemory = (file: string): boolean => /^core\/dist\/(memory\/|Memory(Compose|Engine)\.js$)/.test(file)

describe("the subpaths of the packages", () => {
  it("load only what they need: Logs loads neither the engine in memory nor the barrel", async () => {
    const files = await loadedFiles("@dockwire/core/Logs")
    expect(files).toContain("core/dist/Logs.js")
    expect(files.filter(isMemory)).toEqual([])
    expect(files).not.toContain("core/dist/index.js")
    expect(files).not.toContain("core/dist/Exec.js")
    // The same look at a module that does load the engine in memory.
    expect((await loadedFiles("@dockwire/core/MemoryEngine")).filter(isMemory)).toContain("core/dist/memory/door.js")
  })

  it("of core load the engine in memory only for MemoryEngine and MemoryCompose", async () => {
    const others = coreModules.filter((name) => name !== "MemoryEngine" && name !== "MemoryCompose")
    const files = await loadedFiles(...others.map((name) => `@dockwire/core/${name}`))
    expect(files).toEqual(expect.arrayContaining(others.map((name) => `core/dist/${name}.js`)))
    expect(files.filter(isMemory)).toEqual([])
  })

  it.for([
    ["@dockwire/compat", "core/dist/LogSink.js"],
    ["@dockwire/server", "core/dist/Containers.js"]
  ] as const)("of core: %s loads those that it uses", async ([name, used]) => {
    const files = await loadedFiles(name)
    expect(files).toContain(used)
    expect(files).not.toContain("core/dist/index.js")
    expect(files.filter(isMemory)).toEqual([])
  })

  it("resolve for import and for require()", async () => {
    const specifiers = [
      ...coreModules.map((name) => `@dockwire/core/${name}`),
      "@dockwire/server/Hub",
      "@dockwire/server/Server",
      "@dockwire/server/Wire",
      "@dockwire/server/client"
    ]
    expect(await outcomesOf(specifiers)).toEqual(twice(specifiers, "loaded"))
  })

  it("leave everything else closed", async () => {
    const specifiers = [
      "@dockwire/core/index",
      "@dockwire/core/internal/logs/logDecoder",
      "@dockwire/core/internal/logs/logDecoder.js",
      "@dockwire/core/memory/door",
      "@dockwire/core/memory/state/engineState",
      "@dockwire/server/Config",
      "@dockwire/server/demo/demoEngine",
      "@dockwire/server/dist/Server.js",
      "@dockwire/server/rooms/Hub",
      "@dockwire/compat/dist/runtime.js",
      "@dockwire/compat/runtime"
    ]
    expect(await outcomesOf(specifiers)).toEqual(twice(specifiers, "ERR_PACKAGE_PATH_NOT_EXPORTED"))
    const files = ["@dockwire/core/dist/internal/logs/logDecoder.js", "@dockwire/core/src/internal/logs/logDecoder.ts"]
    expect(await outcomesOf(files)).toEqual(
      files.flatMap((file) => [
        [file, "ERR_MODULE_NOT_FOUND"],
        [file, "MODULE_NOT_FOUND"]
      ])
    )
  })
})
