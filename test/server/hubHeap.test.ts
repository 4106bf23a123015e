import { build } from "esbuild"
import { execFile } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { expect, it, onTestFinished } from "vitest"
import { isWhole } from "../whole/isWhole.js"

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url))

/** Bundles the child: it starts in a fraction of the time. */
const bundled = async (outfile: string): Promise<void> => {
  await build({
    entryPoints: [path("hubHeapChild.ts")],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    alias: {
      "@dockwire/core/LogPosition": path("../../packages/core/src/LogPosition.ts"),
      "@dockwire/server/Hub": path("../../packages/server/src/rooms/Hub.ts")
    },
    logLevel: "error"
  })
}

interface Report {
  readonly kind: string
  readonly length: number
  readonly budget: number
  readonly bytes: number
  readonly heap: number
  readonly kept: number
  readonly index: {
    readonly isShared: boolean
    readonly firstMillis: number
    readonly secondMillis: number
    readonly heap: number
  }
}

it("a full hub takes the heap that it counts, whatever the lines, and readers of history share one index", async () => {
  const folder = await mkdtemp(join(tmpdir(), "dockwire-hub-"))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const bundle = join(folder, "child.mjs")
  await bundled(bundle)
  const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", bundle, isWhole ? "32" : "8"])
  const reports: ReadonlyArray<Report> = JSON.parse(stdout)
  expect(reports).toHaveLength(4)
  for (const { budget, bytes, heap, index, kept, kind, length } of reports) {
    console.log(
      `${(heap / 2 ** 20).toFixed(0)} of ${budget / 2 ** 20} MiB for ${kept} lines of ${length} (${kind}, ` +
        `${(heap / kept).toFixed(0)} bytes each); first reader ${index.firstMillis.toFixed(1)} ms, ` +
        `second ${index.secondMillis.toFixed(2)} ms`
    )
    expect(bytes).toBeLessThanOrEqual(budget)
    expect(bytes).toBeGreaterThan(budget * 0.75)
    expect(heap).toBeLessThan(bytes * 1.25)
    // Not by counting too much either.
    expect(heap).toBeGreaterThan(bytes * 0.6)
    expect(index.isShared).toBe(true)
    expect(index.heap).toBeLessThan(3_000_000)
  }
}, 60_000)
