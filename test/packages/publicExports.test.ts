import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { publicExports, publicFiles } from "./publicExports.js"
import { repositoryRoot } from "./repositoryRoot.js"

const all = await publicExports()

const hasDescription = (docstring: string): boolean => /^(\/\*\*| \*) [A-Z`]/m.test(docstring)
const hasTags = (docstring: string): boolean => /@since \d/.test(docstring) && /@category \w/.test(docstring)

describe("the public exports", () => {
  it("are many", () => {
    expect(new Set(all.map(({ name }) => name)).size).toBeGreaterThan(100)
    for (const { declarations, entryPoint, name } of all)
      if (name !== "Wire") expect(declarations, `${entryPoint}: ${name}`).not.toEqual([])
  })

  it("have a docstring with a description, @since and @category", () => {
    const missing = new Set<string>()
    for (const { declarations } of all) {
      for (const { docstring, file, line, name } of declarations)
        if (!hasTags(docstring)) missing.add(`${file}:${line} ${name}: tags`)
      // One description is enough for a schema and its type.
      const [first] = declarations
      if (first !== undefined && !declarations.some(({ docstring }) => hasDescription(docstring)))
        missing.add(`${first.file}:${first.line} ${first.name}: description`)
    }
    expect([...missing].toSorted()).toEqual([])
  })

  it("are in files that begin with a docstring with @since", async () => {
    const missing = []
    for (const file of new Set(await publicFiles())) {
      const text = await readFile(join(repositoryRoot, file), "utf8")
      // Not the docstring of the first export.
      if (!/^\/\*\*(?:(?!\*\/).)*@since \d(?:(?!\*\/).)*\*\/\n(\n|import |export (type )?[{*])/s.test(text))
        missing.push(file)
    }
    expect(missing).toEqual([])
  })

  // `connect` of the client for browsers is that of Socket.IO, for pages that had that. No program needs both.
  it("have names of their own: no name but connect means two things", () => {
    const places = new Map<string, Set<string>>()
    for (const { declarations, name } of all)
      for (const { file, name: declared } of declarations)
        if (name !== "connect") places.set(name, (places.get(name) ?? new Set<string>()).add(`${file}: ${declared}`))
    const shared = [...places].filter(([, found]) => found.size > 1).map(([name, found]) => [name, ...found])
    expect(shared).toEqual([])
  })
})
