import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { jsonAt } from "../engine/engineRequest.js"
import { command } from "./command.js"
import { repositoryRoot } from "./repositoryRoot.js"

const script = "scripts/remove-stale-outputs.mjs"

const outputsOf = (path: string): ReadonlyArray<string> =>
  [".js", ".js.map", ".d.ts", ".d.ts.map"].map((ending) => `dist/${path}${ending}`)

it("a build removes the outputs of sources that were moved or deleted, and no others", async () => {
  const root = await mkdtemp(join(tmpdir(), "dockwire-outputs-"))
  onTestFinished(() => rm(root, { recursive: true }))
  const kept = [
    "src/index.ts",
    "src/inner/here.ts",
    "src/inner/web/page.ts",
    ...["index", "inner/here", "inner/web/page"].flatMap(outputsOf),
    "dist/.tsbuildinfo",
    "dist/web/client.js",
    "dist/web/assets/page.js"
  ]
  const stale = ["deleted", "here", "inner/deleted", "gone/deep/deleted", "inner/web/deleted"].flatMap(outputsOf)
  const folder = join(root, "packages/one")
  for (const file of [...kept, ...stale]) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await writeFile(join(folder, file), "")
  }
  // Never built.
  await mkdir(join(root, "packages/two/src"), { recursive: true })
  expect(await command(repositoryRoot, process.execPath, [script, root])).toEqual({ code: 0, output: "" })
  const left = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = left.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  expect(paths.sort()).toEqual(kept.map((file) => join(folder, file)).sort())
  expect(await readdir(join(folder, "dist"))).not.toContain("gone")
})

it("is part of the build", async () => {
  const manifest: unknown = JSON.parse(await readFile(join(repositoryRoot, "package.json"), "utf8"))
  expect(jsonAt(manifest, "scripts", "build")).toMatch(new RegExp(`^node ${script} && tsc -b `))
})
