import { check_compose_status, configure, dispose, stop_compose } from "@dockwire/compat"
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { afterAll, beforeAll, expect, it, vi } from "vitest"
import { describeCompose } from "../engine/describeCompose.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { testProjectName } from "../engine/testRun.js"
import { repositoryRoot } from "../packages/repositoryRoot.js"

const page = await readFile(join(repositoryRoot, "packages/compat/README.md"), "utf8")
const [, section = ""] = page.split("\n## Moving a caller\n")
const steps = Array.from(section.matchAll(/^```ts\n(.*?)^```$/gms), ({ 1: text = "" }) => text)

describeEngine("the three steps of the caller that moves", () => {
  describeCompose("2.26", "in the README", (compose) => {
    const project = testProjectName("moved")
    let file = ""
    let folder = ""

    beforeAll(async () => {
      const { endpoint } = testEngine()
      for (const [name, value] of Object.entries({ ...compose().environment, DOCKER_HOST: endpoint }))
        vi.stubEnv(name, value)
      configure({})
      file = join(compose().folder, "docker-compose.yml")
      const service = "image: busybox, command: sleep 600, stop_grace_period: 0s"
      await writeFile(file, `name: ${project}\nservices:\n  web: { ${service} }\n`)
      // Inside the repository, so that imports resolve.
      await mkdir(join(repositoryRoot, ".cache"), { recursive: true })
      folder = await mkdtemp(join(repositoryRoot, ".cache/moved-"))
    })
    afterAll(async () => {
      await stop_compose(file)
      await dispose()
      vi.unstubAllEnvs()
      await rm(folder, { recursive: true, force: true })
    })

    it("are the old function, the class with a logger, and the Effect program", () => {
      expect(steps).toEqual([
        expect.stringMatching(/ run_compose\(/),
        expect.stringMatching(/ create_logger\(.*new ComposeManager\(\)\.run_compose\(/s),
        expect.stringMatching(/Operation\.run\(compose\.up\(/)
      ])
    })

    it.for([
      [0, /Network \S+ {2}Creating\n.*Container \S+-web-1 {2}Started/s],
      [1, /^completed .*Container \S+-web-1 {2}Started/s],
      [2, /Container \S+-web-1 {2}Started.*-web-1 running/s]
    ] as const)("start the project: step %i", async ([index, output]) => {
      expect(await check_compose_status(file)).toBe("down")
      const step = join(folder, `step${index}.ts`)
      await writeFile(step, (steps[index] ?? "").replace('"/srv/shop/docker-compose.yml"', JSON.stringify(file)))
      const printed: Array<string> = []
      const spies = [
        vi.spyOn(console, "log").mockImplementation((...words) => void printed.push(words.join(" "))),
        vi.spyOn(process.stdout, "write").mockImplementation((text, ...more) => {
          printed.push(String(text))
          for (const done of more) if (typeof done === "function") done()
          return true
        })
      ]
      try {
        await import(pathToFileURL(step).href)
      } finally {
        for (const spy of spies) spy.mockRestore()
      }
      expect(printed.join("\n")).toMatch(output)
      expect(await check_compose_status(file)).toBe("up")
      expect((await stop_compose(file))[0]).toBe(true)
    })
  })
})
