import { configure, dispose, pull_image } from "@dockwire/compat"
import { afterAll, beforeAll, expect, it } from "vitest"
import { startCuttingProxy } from "../engine/cuttingProxy.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { type RegistryFront, startRegistryFront } from "../engine/registryFront.js"
import { registryImage } from "../engine/registryImage.js"
import { uniqueName } from "../engine/testContainer.js"
import { repositoryRoot } from "../packages/repositoryRoot.js"
import { spawn } from "node:child_process"

/** How a process ends that pulls an image, once the pull has begun. */
const endings: ReadonlyArray<
  readonly [name: string, program: string, kill: NodeJS.Signals | undefined, end: readonly [unknown, unknown]]
> = [
  ["SIGTERM", "", "SIGTERM", [null, "SIGTERM"]],
  ["SIGINT", "", "SIGINT", [null, "SIGINT"]],
  ["SIGHUP", "", "SIGHUP", [null, "SIGHUP"]],
  ["a signal that the program handles", 'process.on("SIGTERM", () => process.exit(5))', "SIGTERM", [5, null]],
  ["its own end", 'process.stdin.on("data", () => process.exit(6))', undefined, [6, null]]
]

describeEngine("an operation_log is completed exactly once", () => {
  let front: RegistryFront
  let image = ""

  beforeAll(async () => {
    front = await startRegistryFront()
    const repository = uniqueName("slow")
    front.add(repository, "1", registryImage({ layers: [1_000_000] }))
    // Longer than any of this takes.
    front.break(repository, { kind: "throttle", bytesPerSecond: 10_000 })
    image = `${front.host}/${repository}:1`
  })
  afterAll(async () => {
    await front.stop()
    configure({})
    await dispose()
  })

  const started = / Pulling fs layer$/m

  it.concurrent.for(endings)("also when its process is ended by %s", async ([, more, kill, end]) => {
    // The built package: to compile the sources takes longer than all of this.
    const program = `import { configure, pull_image } from "@dockwire/compat"
      configure({ endpoint: ${JSON.stringify(testEngine().endpoint)} })
      const say = (text) => process.stdout.write(text + "\\n")
      ${more}
      await pull_image(${JSON.stringify(image)}, {
        add_log_line: say,
        complete: (success) => say("complete " + success)
      })`
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], { cwd: repositoryRoot })
    let output = ""
    child.stdout.on("data", (chunk: Buffer) => {
      const isFirst = !started.test(output)
      output += chunk.toString()
      if (!isFirst || !started.test(output)) return
      if (kill === undefined) child.stdin.end("x")
      else child.kill(kill)
    })
    const ended = await new Promise((resolve) => child.on("close", (...how) => resolve(how)))
    expect(ended).toEqual(end)
    const lines = output.trimEnd().split("\n")
    expect([lines[0], lines.filter((line) => line.startsWith("complete")), lines.at(-1)]).toEqual([
      `Starting docker pull for ${image}`,
      ["complete false"],
      "complete false"
    ])
  })

  it("also when the engine is lost while it pulls, after the lines so far", async () => {
    const proxy = await startCuttingProxy(testEngine().endpoint)
    configure({ endpoint: proxy.endpoint })
    const calls: Array<string | boolean> = []
    const [success, output] = await pull_image(image, {
      add_log_line: (line) => {
        calls.push(line)
        if (started.test(line)) void proxy.close()
      },
      complete: (ended) => void calls.push(ended)
    })
    expect(success).toBe(false)
    expect(output).toMatch(/ Pulling fs layer\n(.*\n)*Error: .*lost/)
    expect(calls).toEqual([
      `Starting docker pull for ${image}`,
      ...output.split("\n"),
      "Image pull failed with return code 1",
      false
    ])
    await proxy.close()
  })
})
