import { build } from "esbuild"
import { spawn } from "node:child_process"
import { readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { removeImage } from "../core/build/builtFiles.js"
import { contextFiles, type ContextFiles } from "../core/build/contextFiles.js"
import { engineCall, jsonAt } from "../engine/engineRequest.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { startTestRegistry, type TestRegistry } from "../engine/testRegistry.js"
import { uniqueName } from "../engine/testContainer.js"
import { testRunId } from "../engine/testRun.js"
import { repositoryRoot } from "./repositoryRoot.js"

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const run = (file: string, args: ReadonlyArray<string>): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(file, args, { env: { ...process.env, DOCKER_HOST: testEngine().endpoint } })
    const [out, err]: [Array<Buffer>, Array<Buffer>] = [[], []]
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk))
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk))
    child.on("error", reject)
    child.on("close", (code) => {
      resolve({ code, stdout: Buffer.concat(out).toString("utf8"), stderr: Buffer.concat(err).toString("utf8") })
    })
  })

const core = join(repositoryRoot, "packages/core")
/** Where the examples are bundled, so that each run starts in a tenth of the time. Packages are found from here. */
const folder = join(repositoryRoot, ".cache", `examples-${uniqueName("run")}`)
const example = (name: string) => join(folder, `${name.slice(0, -".ts".length)}.js`)

beforeAll(async () => {
  const manifest: unknown = JSON.parse(await readFile(join(core, "package.json"), "utf8"))
  await build({
    entryPoints: ["build.ts", "pull-progress.ts"].map((name) => join(core, "examples", name)),
    outdir: folder,
    bundle: true,
    format: "esm",
    platform: "node",
    external: Object.keys(Object(jsonAt(manifest, "dependencies"))),
    logLevel: "error"
  })
  await writeFile(join(folder, "package.json"), '{"type":"module"}')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Runs an example on a terminal of 80 columns and 24 rows, as a shell does. Everything it prints is its standard output. */
const onTerminal = (name: string, ...args: ReadonlyArray<string>): Promise<Ended> => {
  const words = [process.execPath, example(name), ...args].map((word) => `'${word}'`).join(" ")
  return run("script", ["-qec", `stty cols 80 rows 24; ${words}`, "/dev/null"])
}

const elsewhere = (name: string, ...args: ReadonlyArray<string>): Promise<Ended> =>
  run(process.execPath, [example(name), ...args])

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
    const { endpoint } = testEngine()
    registry = await startTestRegistry()
    const repository = `${registry.host}/${uniqueName("example")}`
    image = `${repository}:1`
    await engineCall(endpoint, "POST", `/images/busybox/tag?repo=${repository}&tag=1`)
    const headers = { "X-Registry-Auth": registry.authHeader }
    await engineCall(endpoint, "POST", `/images/${repository}/push?tag=1`, undefined, { headers })
    await removeImage(endpoint, image)
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
