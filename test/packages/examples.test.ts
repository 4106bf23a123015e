import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { startServer } from "../engine/serverProcess.js"
import { startTestContainer, uniqueName } from "../engine/testContainer.js"
import { command, tool } from "./command.js"
import { repositoryRoot } from "./repositoryRoot.js"

interface Example {
  /** `README.md:12` */
  readonly place: string
  readonly file: string
  readonly text: string
  readonly runs: boolean
}

/** The TypeScript examples of a page. Those that begin with "```ts run" also run. */
const examplesOf = async (page: string): Promise<ReadonlyArray<Example>> => {
  const text = await readFile(join(repositoryRoot, page), "utf8")
  return Array.from(text.matchAll(/^```ts( run)?\n(.*?)^```$/gms), (match) => {
    const line = text.slice(0, match.index).split("\n").length
    const file = `${page.replaceAll(/[/.]/g, "-")}-${line}.ts`
    return { place: `${page}:${line}`, file, text: match[2] ?? "", runs: match[1] !== undefined }
  })
}

/** The examples in the docstrings of a file. All of them are compiled and run. */
const docstringExamplesOf = async (source: string): Promise<ReadonlyArray<Example>> => {
  const text = await readFile(join(repositoryRoot, source), "utf8")
  return Array.from(text.matchAll(/^( *)\/\*\*\n(.*?)^\1 \*\/$/gms)).flatMap(
    ({ 1: indent = "", 2: body = "", index }) => {
      const first = text.slice(0, index).split("\n").length + 1
      const lines = body.split("\n").map((line) => line.slice(indent.length + " * ".length))
      const docstring = lines.join("\n")
      const found = Array.from(docstring.matchAll(/^```ts\n(.*?)^```$/gms), (match) => {
        const line = first + docstring.slice(0, match.index).split("\n").length - 1
        const file = `${source.replaceAll(/[/.]/g, "-")}-${line}.ts`
        return { place: `${source}:${line}`, file, text: match[1] ?? "", runs: true }
      })
      // An example that this does not find would never run.
      const fences = lines.filter((line) => line.startsWith("```")).length
      const marks = lines.filter((line) => line.startsWith("@example")).length
      if (fences !== 2 * found.length || marks > found.length)
        throw new Error(`${source}:${first} has an example without \`\`\`ts and \`\`\``)
      return found
    }
  )
}

const sources = (
  await Promise.all(
    ["core", "server", "compat"].map(async (name) => {
      const folder = `packages/${name}/src`
      const files = await readdir(join(repositoryRoot, folder), { recursive: true })
      return files.filter((file) => file.endsWith(".ts")).map((file) => `${folder}/${file}`)
    })
  )
).flat()

/** The services. Each has an example in its docstring and one in core's README. */
const services = [
  "Archive",
  "ComposeFiles",
  "Containers",
  "Docker",
  "Events",
  "Exec",
  "Host",
  "Logs",
  "LogSink",
  "MemoryCompose",
  "MemoryEngine",
  "Networks",
  "Operation",
  "Stats",
  "System",
  "Volumes"
]

const pages = ["README.md", "packages/core/README.md", "packages/server/README.md", "packages/compat/README.md"]
const examples = (await Promise.all([...pages.map(examplesOf), ...sources.toSorted().map(docstringExamplesOf)])).flat()

/** Runs all examples in one process, one after the other, as loading Effect takes most of the time. */
const runner = examples
  .filter(({ runs }) => runs)
  .map(({ file, place }) => `console.log("== ${place}")\nawait import("./${file.replace(/ts$/, "js")}")\n`)
  .join("")

/** The container that the examples use. */
const nameInExamples = '"web"'
/** The server that the examples use. */
const serverInExamples = '"http://127.0.0.1:7070"'

describe("the examples in READMEs and docstrings", () => {
  let folder = ""
  const name = uniqueName("web")

  beforeAll(async () => {
    // Inside the repository, so that imports resolve to the built packages.
    await mkdir(join(repositoryRoot, ".cache"), { recursive: true })
    folder = await mkdtemp(join(repositoryRoot, ".cache/readme-"))
    await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }))
    const options = { extends: "../../tsconfig.base.json", compilerOptions: { composite: false } }
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ ...options, include: ["*.ts"] }))
    await writeFile(join(folder, "run.js"), runner)
    await Promise.all(
      examples.map(({ file, text }) =>
        writeFile(
          join(folder, file),
          text
            .replaceAll(nameInExamples, JSON.stringify(name))
            .replaceAll(serverInExamples, 'process.env["DOCKWIRE_EXAMPLE_SERVER"] ?? ""')
        )
      )
    )
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it("start with the program that has three routes, the same as in its file", async () => {
    const file = await readFile(join(repositoryRoot, "packages/server/examples/one-program-three-routes.ts"), "utf8")
    const first = examples.find(({ place }) => place.startsWith("README.md:"))?.text ?? ""
    const routes = first.slice(first.indexOf("/** Follows"), first.indexOf("/** The engine"))
    expect(routes).toContain("export const toTest")
    expect(file).toContain(routes.trim())
  })

  it("exist in every README", () => {
    for (const page of pages) expect(examples.filter(({ place }) => place.startsWith(`${page}:`))).not.toEqual([])
  })

  it("exist for each service of core, in its docstring and in the README, and run", () => {
    const run = examples.filter(({ runs }) => runs)
    for (const service of services) {
      const inDocstring = run.filter(({ place }) => place.startsWith(`packages/core/src/${service}.ts:`))
      expect(inDocstring, `${service}, its docstring`).not.toEqual([])
      const use = new RegExp(`\\byield\\* ${service}\\b|\\b${service}\\.(?!layer\\b|layerConfig)\\w`)
      const onPage = run.filter(({ place, text }) => place.startsWith("packages/core/README.md:") && use.test(text))
      expect(onPage, `${service}, packages/core/README.md`).not.toEqual([])
    }
  })

  it("compile", async () => {
    expect(await tool(folder, "tsc", "-p", ".")).toEqual({ code: 0, output: "" })
  })

  describeEngine("on a real engine", () => {
    beforeAll(async () => {
      const { endpoint } = testEngine()
      const cmd = ["sh", "-c", "i=0; while :; do i=$((i + 1)); echo line $i; sleep 0.1; done"]
      const container = await startTestContainer({ endpoint, name, cmd })
      return container.remove
    })

    it("run", { timeout: 180_000 }, async () => {
      const { endpoint } = testEngine()
      const dataDir = await mkdtemp(join(tmpdir(), "dockwire-examples-"))
      const server = await startServer({ endpoint, dataDir })
      onTestFinished(async () => {
        await server.stop()
        await rm(dataDir, { recursive: true, force: true })
      })
      const { code, output } = await command(folder, process.execPath, ["run.js"], {
        DOCKER_HOST: endpoint,
        DOCKWIRE_EXAMPLE_SERVER: server.url,
        DOCKWIRE_TOKEN: server.token
      })
      expect(code, output).toBe(0)
      for (const { place } of examples.filter(({ runs }) => runs)) {
        expect(output.split(`== ${place}\n`)[1] ?? "", place).toMatch(/^(?!== )./)
      }
    })
  })
})
