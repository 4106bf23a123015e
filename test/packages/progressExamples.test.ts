import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { removeImage } from "../core/build/builtFiles.js"
import { contextFiles, type ContextFiles } from "../core/build/contextFiles.js"
import { pushBusybox } from "../engine/pushBusybox.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { startTestRegistry, type TestRegistry } from "../engine/testRegistry.js"
import { uniqueName } from "../engine/testContainer.js"
import { testRunId } from "../engine/testRun.js"
import { type BundledExamples, bundleExamples, type Ended } from "./exampleRuns.js"

let examples: BundledExamples
beforeAll(async () => {
  examples = await bundleExamples(["build.ts", "pull-progress.ts"])
})
afterAll(() => examples?.remove())

const onTerminal: (...words: Parameters<BundledExamples["onTerminal"]>) => Promise<Ended> = (...words) =>
  examples.onTerminal(...words).ended
const elsewhere: typeof onTerminal = (...words) => examples.elsewhere(...words).ended

describeEngine("the example build.ts", () => {
  let context: ContextFiles
  const tags = [uniqueName("example"), uniqueName("example")]

  beforeAll(async () => {
    context = await contextFiles({
      Dockerfile: `FROM busybox\nLABEL dockwire.test=${testRunId()}\nCOPY file /\nRUN sleep 0.5; cat /file; sleep 0.5\n`,
      // The content is new in every run, so that no step comes from the build cache.
      file: `the file of ${testRunId()}\n`,
      "broken/Dockerfile": "FROM busybox\nRUN echo words; exit 3\n"
    })
  })
  afterAll(async () => {
    for (const tag of tags) await removeImage(testEngine().endpoint, tag)
    await context?.remove()
  })

  it("draws bars on a terminal", async () => {
    const { code, stdout } = await onTerminal("build.ts", context.path, tags[0] ?? "")
    expect(code, stdout).toBe(0)
    expect(stdout).toMatch(/█+░+ \d+ %/)
    expect(stdout).toMatch(/█{30} 100 %\s+sha256:[0-9a-f]{64}\s*$/)
    expect(stdout).toContain("\u001b[J")
    expect(stdout).toMatch(/RUN sleep 0\.5; cat \/file; sleep 0\.5: running/)
  })

  it("prints lines elsewhere", async () => {
    const { code, stderr, stdout } = await elsewhere("build.ts", context.path, tags[1] ?? "")
    expect(code, stderr).toBe(0)
    for (const drawn of ["\u001b", "█"]) expect(stdout).not.toContain(drawn)
    const lines = stdout.trimEnd().split("\n")
    expect(lines.some((line) => /^#\d+ \[\d\/\d\] RUN sleep/.test(line))).toBe(true)
    expect(lines.at(-1)).toMatch(/^sha256:[0-9a-f]{64}$/)
  })

  it("ends with the error and its exit code if the build fails", async () => {
    const { code, stderr } = await elsewhere("build.ts", join(context.path, "broken"))
    expect(code).toBe(1)
    expect(stderr).toMatch(/Build failed at "\[2\/2\] RUN echo words; exit 3".*exit code: 3\nLast lines:\nwords\n/s)
  })
})

describeEngine("the example pull-progress.ts", () => {
  let registry: TestRegistry
  let image: string

  beforeAll(async () => {
    registry = await startTestRegistry()
    image = await pushBusybox(testEngine().endpoint, registry, "example")
  })
  afterAll(async () => {
    await removeImage(testEngine().endpoint, image)
    await registry?.stop()
  })

  it("draws bars on a terminal, and prints lines elsewhere", async () => {
    const drawn = await onTerminal("pull-progress.ts", image)
    expect(drawn.code, drawn.stdout).toBe(0)
    expect(drawn.stdout).toMatch(/█{30} 100 %\s+sha256:[0-9a-f]{64}\s*$/)
    await removeImage(testEngine().endpoint, image)
    const { code, stderr, stdout } = await elsewhere("pull-progress.ts", image)
    expect(code, stderr).toBe(0)
    for (const sign of ["\u001b", "█"]) expect(stdout).not.toContain(sign)
    expect(stdout).toMatch(/^1: Pulling from .*\n(.*\n)*Status: Downloaded newer image for .*\n/)
  })

  it("ends with the error and its exit code if the registry does not have the image", async () => {
    const { code, stderr } = await elsewhere("pull-progress.ts", `${image}-missing`)
    expect(code).toBe(1)
    expect(stderr).toContain("not found in registry")
  })
})
