import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { describeEngine, testEngine } from "../engine/realEngine.js"
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

/** The TypeScript examples of a page. One that begins with "```ts run" is run as well. */
const examplesOf = async (page: string): Promise<ReadonlyArray<Example>> => {
  const text = await readFile(join(repositoryRoot, page), "utf8")
  return Array.from(text.matchAll(/^```ts( run)?\n(.*?)^```$/gms), (match) => {
    const line = text.slice(0, match.index).split("\n").length
    const file = `${page.replaceAll(/[/.]/g, "-")}-${line}.ts`
    return { place: `${page}:${line}`, file, text: match[2] ?? "", runs: match[1] !== undefined }
  })
}

const pages = ["README.md", "packages/core/README.md", "packages/server/README.md", "packages/compat/README.md"]
const examples = (await Promise.all(pages.map(examplesOf))).flat()

/** One process for all that run, each after the other: most of what one costs is loading Effect. */
const runner = examples
  .filter(({ runs }) => runs)
  .map(({ file, place }) => `console.log("== ${place}")\nawait import("./${file.replace(/ts$/, "js")}")\n`)
  .join("")

/** The container of the examples. */
const nameInExamples = '"web"'

describe("the examples of the pages", () => {
  let folder = ""
  const name = uniqueName("web")

  beforeAll(async () => {
    // Inside of the repository, so that the packages are found as their users find them: as they were built.
    await mkdir(join(repositoryRoot, ".cache"), { recursive: true })
    folder = await mkdtemp(join(repositoryRoot, ".cache/readme-"))
    await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }))
    const options = { extends: "../../tsconfig.base.json", compilerOptions: { composite: false } }
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ ...options, include: ["*.ts"] }))
    await writeFile(join(folder, "run.js"), runner)
    await Promise.all(
      examples.map(({ file, text }) =>
        writeFile(join(folder, file), text.replaceAll(nameInExamples, JSON.stringify(name)))
      )
    )
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it("begin with the program that has three routes, as it stands in its file", async () => {
    const file = await readFile(join(repositoryRoot, "packages/server/examples/one-program-three-routes.ts"), "utf8")
    const first = examples.find(({ place }) => place.startsWith("README.md:"))?.text ?? ""
    const routes = first.slice(first.indexOf("/** Follows"), first.indexOf("/** The engine"))
    expect(routes).toContain("export const toTest")
    expect(file).toContain(routes.trim())
  })

  it("are there", () => {
    for (const page of pages) expect(examples.filter(({ place }) => place.startsWith(`${page}:`))).not.toEqual([])
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

    it("run where they say so", async () => {
      const { code, output } = await command(folder, process.execPath, ["run.js"], {
        DOCKER_HOST: testEngine().endpoint
      })
      expect(code, output).toBe(0)
      for (const { place } of examples.filter(({ runs }) => runs)) {
        expect(output.split(`== ${place}\n`)[1] ?? "", place).toMatch(/^(?!== )./)
      }
    })
  })
})
