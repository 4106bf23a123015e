import { readFile } from "node:fs/promises"
import { isBuiltin } from "node:module"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { jsonAt } from "../engine/engineRequest.js"
import { itEngine, testEngine } from "../engine/realEngine.js"
import { startTestContainer } from "../engine/testContainer.js"
import { command, tool } from "./command.js"
import { type Consumer, installConsumer, requirable } from "./consumer.js"
import { packageFolders, packPackages, type PackedPackage } from "./packedPackages.js"
import { isWhole } from "../whole/isWhole.js"
import { repositoryRoot } from "./repositoryRoot.js"

let packages: ReadonlyArray<PackedPackage> = []
let remove = async (): Promise<void> => {}
/** npm waits much: the packages are looked at meanwhile. */
let consumer: Promise<Consumer> | undefined

beforeAll(async () => {
  ;({ packages, remove } = await packPackages())
  consumer = installConsumer(packages)
  consumer.catch(() => {})
}, 180_000)
afterAll(async () => {
  await consumer?.then(
    (made) => made.remove(),
    () => {}
  )
  await remove()
})

const packed = (folder: string): PackedPackage => {
  const found = packages.find(({ name }) => name === `@dockwire/${folder}`)
  if (found === undefined) throw new Error(`${folder} was not packed`)
  return found
}

describe.for(packageFolders)("the package %s", (folder) => {
  it("contains what its users need, and nothing else", () => {
    const { files } = packed(folder)
    expect(files).toEqual(
      expect.arrayContaining(["LICENSE", "README.md", "package.json", "dist/index.js", "dist/index.d.ts"])
    )
    expect(files.filter((file) => !/^(dist|src)\/|^(LICENSE|README\.md|package\.json)$/.test(file))).toEqual([])
    expect(files.filter((file) => /\.test\.|tsbuildinfo|(^|\/)\.|\.tgz$/.test(file))).toEqual([])
  })

  it("contains the source of every compiled file", () => {
    const { files } = packed(folder)
    const compiled = files.filter((file) => /^dist\/(?!bin\/|web\/).*\.js$/.test(file))
    expect(compiled.length).toBeGreaterThan(0)
    const withoutSource = compiled.filter((file) => !files.includes(file.replace(/^dist/, "src").replace(/js$/, "ts")))
    expect(withoutSource).toEqual([])
  })

  it("has a complete manifest, with the same version as the other packages", () => {
    const { manifest, name } = packed(folder)
    expect(jsonAt(manifest, "version")).toBe(jsonAt(packed("core").manifest, "version"))
    expect(jsonAt(manifest, "license")).toBe("MIT")
    expect(jsonAt(manifest, "type")).toBe("module")
    expect(jsonAt(manifest, "engines", "node")).toBe(">=20.19")
    expect(jsonAt(manifest, "peerDependencies", "effect")).toMatch(/^\^3\./)
    expect(jsonAt(manifest, "dependencies", "effect")).toBeUndefined()
    if (name !== "@dockwire/core") {
      expect(jsonAt(manifest, "dependencies", "@dockwire/core")).toBe(jsonAt(manifest, "version"))
    }
  })

  it("passes publint", async () => {
    const { code, output } = await tool(repositoryRoot, "publint", "run", packed(folder).tarball, "--strict")
    expect(output).toContain("All good!")
    expect(code).toBe(0)
  })

  it("has types for every supported module resolution", async () => {
    // One pattern exports all of them.
    const all = packed(folder).files.flatMap((file) => /^dist\/([A-Z]\w*)\.js$/.exec(file)?.[1] ?? [])
    const modules = all.filter((name) => isWhole || name === "Logs" || name === "MemoryEngine")
    // attw looks at no subpath of a pattern unless it is named.
    const subpaths = folder === "core" ? ["--include-entrypoints", ...modules] : []
    const args = [packed(folder).tarball, "--profile", "esm-only", "--format", "ascii", ...subpaths]
    const { code, output } = await tool(repositoryRoot, "attw", ...args)
    if (folder === "core") expect(modules.length).toBeGreaterThan(1)
    for (const name of folder === "core" ? modules : []) expect(output).toContain(`"@dockwire/core/${name}"`)
    expect(output).toContain("node16 (from ESM)")
    expect(code, output).toBe(0)
  })
})

it("the bundled command imports only what its package depends on, as not every package manager allows more", async () => {
  const { files, manifest } = packed("server")
  const bundle = files.filter((file) => /^dist\/bin\/.*\.js$/.test(file))
  const texts = await Promise.all(bundle.map((file) => readFile(join(repositoryRoot, "packages/server", file), "utf8")))
  const imported = texts.flatMap((text) =>
    [
      ...text.matchAll(
        /(?:\bfrom|\bimport|\bimport\(|require\(|\(import\.meta\.url\)\.resolve\()\s*"(@?\w[\w./:@-]*)"/g
      )
    ].map(([, name = ""]) => name)
  )
  const packages = new Set(imported.filter((name) => !isBuiltin(name)))
  // ws tries to load native code, and does without.
  for (const name of ["bufferutil", "utf-8-validate"]) packages.delete(name)
  // The driver of the database is native code. The rest is in the bundle.
  expect([...packages]).toEqual(["@libsql/client/sqlite3"])
  expect(Object.keys(Object(jsonAt(manifest, "dependencies")))).toContain("@libsql/client")
})

describe("a project that installs the packages", { timeout: 180_000 }, () => {
  const installed = async (skip: (note: string) => never): Promise<Consumer> => {
    if (consumer === undefined) throw new Error("nothing was packed")
    const made = await consumer
    if (made.isUnreachable) skip("the npm registry can't be reached")
    return made
  }

  it("has one Effect, in another version than this repository", async ({ skip }) => {
    const { effectVersion, folder } = await installed(skip)
    const lock: unknown = JSON.parse(await readFile(join(folder, "node_modules/.package-lock.json"), "utf8"))
    const copies = Object.entries(jsonAt(lock, "packages") ?? {}).filter(([path]) =>
      /(^|\/)node_modules\/effect$/.test(path)
    )
    expect(copies.map(([, entry]) => jsonAt(entry, "version"))).toEqual([effectVersion])
    const own: unknown = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"))
    expect(jsonAt(own, "devDependencies", "effect")).not.toBe(effectVersion)
  })

  it("can load them with require()", async ({ skip }) => {
    const { folder } = await installed(skip)
    const { code, output } = await command(folder, process.execPath, ["required.cjs"])
    expect(output).toBe(requirable.map((name) => `${name} true\n`).join(""))
    expect(code).toBe(0)
  })

  it("compiles a page without the types of Node", async ({ skip }) => {
    const { folder } = await installed(skip)
    expect(await tool(folder, "tsc", "-p", "tsconfig.page.json")).toEqual({ code: 0, output: "" })
  })

  it("has the command", async ({ skip }) => {
    const { folder } = await installed(skip)
    const { code, output } = await command(folder, join(folder, "node_modules/.bin/dockwire"), ["--help"])
    expect(output).toContain("dockwire")
    expect(code).toBe(0)
  })

  itEngine("compiles a program, including all declarations, and runs it", async ({ onTestFinished, skip }) => {
    const { folder } = await installed(skip)
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
