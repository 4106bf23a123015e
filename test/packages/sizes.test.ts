import { readdir, readFile } from "node:fs/promises"
import { join, posix } from "node:path"
import { describe, expect, it } from "vitest"
import { packageFolders } from "./packedPackages.js"
import { repositoryRoot } from "./repositoryRoot.js"

const files = (
  await Promise.all(
    packageFolders.map(async (name) => {
      const folder = `packages/${name}/src`
      const entries = await readdir(join(repositoryRoot, folder), { recursive: true, withFileTypes: true })
      return entries.flatMap((entry) =>
        entry.isFile() ? [posix.relative(repositoryRoot, posix.join(entry.parentPath, entry.name))] : []
      )
    })
  )
).flat()

/** Its public modules are flat, one file each. */
const publicFolder = "packages/core/src"

describe("the sources of the packages", () => {
  it("have at most 12 files in a folder", () => {
    const counts = new Map<string, number>()
    for (const file of files) counts.set(posix.dirname(file), (counts.get(posix.dirname(file)) ?? 0) + 1)
    expect(counts.get(publicFolder)).toBeGreaterThan(0)
    expect([...counts].filter(([folder, count]) => count > 12 && folder !== publicFolder)).toEqual([])
  })

  // The linter counts the lines of TypeScript files and functions.
  it("have at most 400 lines in a style sheet or a page", async () => {
    const pages = files.filter((file) => /\.(css|html)$/.test(file))
    expect(pages.length).toBeGreaterThan(0)
    const lines = await Promise.all(
      pages.map(
        async (file) => [file, (await readFile(join(repositoryRoot, file), "utf8")).split("\n").length - 1] as const
      )
    )
    expect(lines.filter(([, count]) => count > 400)).toEqual([])
  })
})
