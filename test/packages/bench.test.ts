import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { repositoryRoot } from "./repositoryRoot.js"

describe("the benchmarks", () => {
  it("load outside of the tests", () => {
    const tsx = join(repositoryRoot, "node_modules/tsx/dist/cli.mjs")
    const { status, stderr } = spawnSync(process.execPath, [tsx, "test/bench/main.ts", "no-such-benchmark"], {
      cwd: repositoryRoot,
      encoding: "utf8"
    })
    expect(stderr).toMatch(/^Usage: npm run bench/)
    expect(status).toBe(2)
  })
})
