import type { ComposeConfig, ComposeServiceConfig } from "@dockwire/core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { composeTree } from "../../packages/core/examples/composeTree.js"
import { ComposeDecoder } from "../../packages/core/src/internal/compose/progress/composeDecoder.js"
import { removeImage } from "../core/build/builtFiles.js"
import { writeProject } from "../core/compose/projectFiles.js"
import { recordedOutput, type recordings } from "../core/compose/recordedOutput.js"
import { lasting } from "../core/composeProject/realProject.js"
import { describeCompose } from "../engine/describeCompose.js"
import { testedEdition } from "../engine/composeEditions.js"
import { engineCall, jsonAt } from "../engine/engineRequest.js"
import { pushBusybox } from "../engine/pushBusybox.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { testProjectName } from "../engine/testRun.js"
import { startTestRegistry, type TestRegistry } from "../engine/testRegistry.js"
import { type BundledExamples, bundleExamples } from "./exampleRuns.js"

/** The drawings of a terminal, one after the other. */
const drawingsOf = (printed: string): ReadonlyArray<string> => printed.replaceAll("\r", "").split("\u001b[J").slice(1)

/** Removes what the engine has of a project. */
const takeDown = async (name: string): Promise<void> => {
  const { endpoint } = testEngine()
  const filters = encodeURIComponent(JSON.stringify({ label: [`com.docker.compose.project=${name}`] }))
  const listed = async (path: string, ...keys: ReadonlyArray<string>) => {
    const found = jsonAt((await engineCall(endpoint, "GET", `${path}?all=1&filters=${filters}`)).json, ...keys)
    return Array.isArray(found) ? found : []
  }
  for (const found of await listed("/containers/json")) {
    await engineCall(endpoint, "DELETE", `/containers/${String(jsonAt(found, "Id"))}?force=1&v=1`)
  }
  for (const found of await listed("/networks")) {
    await engineCall(endpoint, "DELETE", `/networks/${String(jsonAt(found, "Id"))}`)
  }
  for (const found of await listed("/volumes", "Volumes")) {
    await engineCall(endpoint, "DELETE", `/volumes/${String(jsonAt(found, "Name"))}`)
  }
}

const healthcheck = "healthcheck: { test: [CMD, 'true'], interval: 1s, start_period: 5s, start_interval: 100ms }"

const shop = (image: string) => `
services:
  web: { image: busybox, init: true, command: ${lasting}, depends_on: { db: { condition: service_healthy } } }
  db: { image: "${image}", init: true, command: ${lasting}, volumes: ["data:/data"], ${healthcheck} }
  init: { image: busybox, command: "true" }
volumes: { data: {} }
`

/** The last of the drawings of what compose printed that has such a line. */
const drawingWith = (
  edition: keyof typeof recordings,
  run: string,
  services: Readonly<Record<string, Partial<ComposeServiceConfig>>>,
  wanted: RegExp,
  height = 24
): ReadonlyArray<string> | undefined => {
  const declared = { isBuilt: false, profiles: [], dependsOn: {}, environment: {}, replicas: 1, restart: "no" }
  const config: ComposeConfig = {
    name: "shop",
    services: Object.fromEntries(
      Object.entries(services).map(([name, more]) => [name, { ...declared, hasHealthCheck: false, ...more }])
    ),
    networks: [],
    volumes: [],
    raw: {}
  }
  const tree = composeTree(config, true)
  const decoder = new ComposeDecoder(edition !== "2.26")
  let found: ReadonlyArray<string> | undefined
  for (const [stream, text] of recordedOutput(edition)[run]?.lines ?? []) {
    for (const step of decoder.push(stream === "out" ? "stdout" : "stderr", text)) {
      const event = { logId: "", kind: "run_compose", target: {}, seq: 1, timestamp: "" }
      if (step._tag === "Progress") tree.update({ ...event, ...step, _tag: "OperationProgress" })
    }
    const lines = tree.lines(height)
    expect(lines.length).toBeLessThanOrEqual(height)
    if (lines.some((line) => wanted.test(line))) found = lines
  }
  return found
}

describe("the tree of a project", () => {
  const services = { a: {}, b: {}, c: {}, d: { image: "registry.test/app:1" } }

  it("has the layers of an image that are under way, with their bytes", () => {
    const drawing = drawingWith("2.40", "pull", services, /Extracting \d/)
    expect(drawing?.join("\n")).toMatch(/├─ ● [bc] .*\n│ {2}└─ ● image .*\n│ {5}[├└]─ ● [0-9a-f]{12} .* MB\n/)
    // Version 5 calls an image by its name.
    const newest = drawingWith("5", "pull", services, /Downloading 1\.5\/3\.0 MB/)
    expect(newest?.join("\n")).toMatch(/└─ ● d .*\n {3}└─ ● image +█{4}░{6} .*\n {6}└─ ● \S+ +█{4}░{6} Downloading/)
  })

  it("has the steps of a build below the service, and the step that failed", () => {
    const built = { one: { isBuilt: true }, two: { isBuilt: true } }
    const drawing = drawingWith("2.40", "build", built, /● \[two base 2\/2\] RUN .* running$/)
    expect(drawing?.join("\n")).toMatch(
      /└─ ● two .*\n {3}└─ ● image .*\n(?: {6}├─ ✔ .*\n)+(?: {6}[├└]─ .*\n)* {6}[├└]─ ● \[two base .* ░{10} running/
    )
    expect(drawingWith("2.40", "build-failed", built, /✘ \[two 2\/2\] RUN .* failed$/)?.join("\n")).toMatch(
      /├─ – one .*\n(?:│ .*\n)*│ {5}└─ – \[one 2\/2\] RUN .* canceled\n└─ ✘ two /
    )
  })

  it("leaves out what is done where the terminal is too small, and says so", () => {
    const up = { web: {}, db: {}, init: {} }
    expect(drawingWith("2.40", "up", up, /more$/, 5)).toMatchObject({
      length: 5,
      4: expect.stringMatching(/^… and \d+ more$/)
    })
  })

  it("marks what failed, without what moves the cursor", () => {
    expect(drawingWith("2.40", "init-failed", { init: {}, web: {} }, /✘ .*Error: service "init" didn't/)).toBeDefined()
  })
})

const edition = testedEdition()

describeEngine("the example compose-up.ts", () => {
  describeCompose(edition, "brings a project up", (compose) => {
    let examples: BundledExamples
    let registry: TestRegistry
    let image: string
    const names: Array<string> = []
    const project = async (word: string, text: string): Promise<readonly [file: string, name: string]> => {
      const name = testProjectName(`${edition.replace(".", "")}-${word}`)
      names.push(name)
      const folder = await writeProject(compose().folder, `${word} $x`, {
        "compose.yaml": `name: ${name}\n${text}`
      })
      return [`${folder}/compose.yaml`, name]
    }

    beforeAll(async () => {
      ;[examples, registry] = await Promise.all([
        bundleExamples(["compose-up.ts"], compose().environment),
        startTestRegistry()
      ])
      image = await pushBusybox(testEngine().endpoint, registry, "example")
    })
    afterAll(async () => {
      for (const name of names) await takeDown(name)
      await removeImage(testEngine().endpoint, image)
      await Promise.all([registry?.stop(), examples?.remove()])
    })

    it.concurrent("draws a tree on a terminal", async () => {
      const [file, name] = await project("tree", shop(image))
      const { code, stdout } = await examples.onTerminal("compose-up.ts", "--wait", file).ended
      expect(code, stdout).toBe(0)
      const drawings = drawingsOf(stdout)
      for (const drawing of drawings.slice(0, -1)) {
        for (const line of drawing.split("\n")) expect(line.length).toBeLessThan(80)
      }
      const all = drawings.join("")
      expect(all).toMatch(/├─ ● db .*\n│ {2}└─ ● image +░{10} Pulling\n/)
      expect(all).toMatch(/● db-1 +█+░+ Waiting\n/)
      const last = drawings.at(-1) ?? ""
      const done = (label: string, words: string) =>
        expect.stringMatching(new RegExp(`^[├└│─ ]*✔ ${label} +█{10} ${words}$`))
      expect(last.split("\n")).toEqual([
        `${name.slice(0, 40)} ${"█".repeat(30)} 100 %`,
        done("network default", "Created"),
        done("volume data", "Created"),
        done("db", "Healthy"),
        done("image", "Pulled"),
        done("db-1", "Healthy"),
        done("init", "Exited: code 0"),
        done("init-1", "Exited: code 0"),
        done("web", "Running"),
        done("web-1", "Running"),
        `${name}-db-1: running`,
        `${name}-init-1: exited`,
        `${name}-web-1: running`,
        ""
      ])
    })

    it.concurrent("prints lines elsewhere", async () => {
      const [file, name] = await project("lines", shop("busybox"))
      const { code, stderr, stdout } = await examples.elsewhere("compose-up.ts", file, "--wait").ended
      expect(code, stderr).toBe(0)
      for (const drawn of ["\u001b", "█"]) expect(stdout).not.toContain(drawn)
      for (const line of [
        "db-1  Created",
        "db-1  Started",
        "db-1  Healthy",
        "web-1  Running",
        "init-1  Exited: code 0"
      ]) {
        expect(stdout).toContain(`Container ${name}-${line}\n`)
      }
      expect(stdout.endsWith(`${name}-web-1: running\n`)).toBe(true)
    })

    it.concurrent("ends with the service that failed, why, and its last lines", async () => {
      const [file, name] = await project(
        "bad",
        "services: { bad: { image: busybox, command: [sh, -c, 'echo oops; exit 3'], network_mode: none } }\n"
      )
      const { code, stdout } = await examples.onTerminal("compose-up.ts", "--wait", file).ended
      expect(code).toBe(1)
      const last = drawingsOf(stdout).at(-1)
      expect(last).toContain("✘ bad")
      expect(last).toContain("Exited: code 3\n")
      const message = `Compose project "${name}": service "bad" ended with code 3. Check its logs.`
      expect(last).toContain(message)
      expect(last).toMatch(/\nLast lines:\noops\n$/)
    })

    it.concurrent("is interrupted by Ctrl-C, and says what is left", async () => {
      const slow = "healthcheck: { test: 'false', interval: 1s, retries: 1000 }"
      const [file, name] = await project(
        "slow",
        `services: { slow: { image: busybox, command: sleep 600, network_mode: none, ${slow} } }\n`
      )
      const run = examples.onTerminal("compose-up.ts", "--wait", file)
      await run.printed(/● slow-1 .* Waiting/)
      run.type("\u0003")
      const { code, stdout } = await run.ended
      expect(code).toBe(130)
      const last = drawingsOf(stdout).at(-1)
      expect(last).toContain("– slow-1 ")
      expect(last).toContain(`Project "${name}": container ${name}-slow-1 (running)`)
      expect(last).toContain('"down" removes what is left.')
    })

    it.concurrent("prints its usage, and the failure of a file that is not there", async () => {
      const rows = [[], ["--nope", "x"], ["x", "y"], ["/nowhere/compose.yaml"]]
      const ends = await Promise.all(rows.map((args) => examples.elsewhere("compose-up.ts", ...args).ended))
      const wrong = [2, "Usage: compose-up.ts [--wait] FILE\n"]
      const missing = [1, expect.stringMatching(/^Compose project .*does not exist/)]
      expect(ends.map(({ code, stderr }) => [code, stderr])).toEqual([wrong, wrong, wrong, missing])
    })
  })
})
