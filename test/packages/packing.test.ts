import { readFile } from "node:fs/promises"
import { isBuiltin } from "node:module"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { jsonAt } from "../engine/engineRequest.js"
import { tool } from "./command.js"
import { packageFolders, packPackages, type PackedPackage } from "./packedPackages.js"
import { repositoryRoot } from "./repositoryRoot.js"

let packages: ReadonlyArray<PackedPackage> = []
let remove = async (): Promise<void> => {}

beforeAll(async () => {
  ;({ packages, remove } = await packPackages())
})
afterAll(() => remove())

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
    const modules = packed(folder).files.flatMap((file) => /^dist\/([A-Z]\w*)\.js$/.exec(file)?.[1] ?? [])
    // attw looks at no subpath of a pattern unless it is named.
    const subpaths = folder === "core" ? ["--include-entrypoints", ...modules] : []
    const args = [packed(folder).tarball, "--profile", "esm-only", "--format", "ascii", ...subpaths]
    const { code, output } = await tool(repositoryRoot, "attw", ...args)
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
    [...text.matchAll(/(?:\bfrom |\bimport |\bimport\(|require\()"(@?\w[\w./:@-]*)"/g)].map(([, name = ""]) => name)
  )
  const packages = new Set(imported.filter((name) => !isBuiltin(name)))
  // ssh2 tries to load native code, and does without.
  packages.delete("cpu-features")
  const own = Object.keys(Object(jsonAt(manifest, "dependencies")))
  expect([...packages].toSorted()).toEqual(own.filter((name) => name !== "@dockwire/core").toSorted())
})
