import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { describe, expect, it } from "vitest"
import { command } from "./command.js"
import { repositoryRoot } from "./repositoryRoot.js"

/** Imports modules and prints for each the URLs of the scripts that V8 parsed for it, and for none before it. */
const listLoadedModules = `
import { Session } from "node:inspector"

const urls = []
const session = new Session()
session.connect()
session.on("Debugger.scriptParsed", ({ params }) => urls.push(params.url))
session.post("Debugger.enable")
const loaded = []
for (const specifier of process.argv.slice(1)) {
  await import(specifier)
  loaded.push(urls.splice(0))
}
console.log(JSON.stringify(loaded))
`

const packagesUrl = pathToFileURL(join(repositoryRoot, "packages/")).href

/**
 * The built files of this repository's packages that importing the modules loads, such as `core/dist/Logs.js`. In one process,
 * as each would load Effect again: each module has those that the ones before it have not loaded.
 */
const loadedFiles = async (...specifiers: ReadonlyArray<string>): Promise<ReadonlyArray<ReadonlyArray<string>>> => {
  const args = ["--input-type=module", "--eval", listLoadedModules, ...specifiers]
  const { code, output } = await command(repositoryRoot, process.execPath, args)
  if (code !== 0) throw new Error(output)
  const loaded: unknown = JSON.parse(output)
  if (!Array.isArray(loaded)) throw new Error(output)
  return loaded.map((urls: unknown) => {
    if (!Array.isArray(urls)) throw new Error(output)
    return urls.map(String).flatMap((url) => (url.startsWith(packagesUrl) ? [url.slice(packagesUrl.length)] : []))
  })
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
    const [files = []] = await loadedFiles("@dockwire/core/Logs")
    expect(files).toContain("core/dist/Logs.js")
    expect(files.filter(isMemory)).toEqual([])
    expect(files).not.toContain("core/dist/index.js")
    expect(files).not.toContain("core/dist/Exec.js")
  })

  it("load the engine in memory only for MemoryEngine and MemoryCompose, and the barrel for none", async () => {
    const others = coreModules.filter((name) => name !== "MemoryEngine" && name !== "MemoryCompose")
    const packages = ["@dockwire/compat", "@dockwire/server"]
    const modules = [...others, "MemoryEngine"].map((name) => `@dockwire/core/${name}`)
    const loaded = await loadedFiles(...packages, ...modules)
    const [compat = [], server = []] = loaded
    expect(compat).toEqual(expect.arrayContaining(["compat/dist/index.js", "core/dist/LogSink.js"]))
    expect(server).toContain("server/dist/index.js")
    expect([...compat, ...server]).toContain("core/dist/Containers.js")
    const withoutMemory = loaded.slice(0, -1).flat()
    expect(withoutMemory).toEqual(expect.arrayContaining(others.map((name) => `core/dist/${name}.js`)))
    expect(withoutMemory.filter(isMemory)).toEqual([])
    expect(withoutMemory).not.toContain("core/dist/index.js")
    // The same look at a module that does load the engine in memory.
    expect(loaded.at(-1)?.filter(isMemory)).toContain("core/dist/memory/door.js")
  })

  it("resolve for import and for require()", async () => {
    const specifiers = [
      ...coreModules.map((name) => `@dockwire/core/${name}`),
      "@dockwire/server/Hub",
      "@dockwire/server/Server",
      "@dockwire/server/Wire",
      "@dockwire/server/api",
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
