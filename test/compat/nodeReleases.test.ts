import * as compat from "@dockwire/compat"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { fetchedNode, nodeReleases } from "../conformance/nodeRelease.js"
import { jsonAt } from "../engine/engineRequest.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { startTestContainer, type TestContainer, uniqueName } from "../engine/testContainer.js"
import { testLabels } from "../engine/testRun.js"
import { command } from "../packages/command.js"
import { repositoryRoot } from "../packages/repositoryRoot.js"
import { isWhole } from "../whole/isWhole.js"

/** What a program of JavaScript does with the package that it has loaded as `compat`. */
const program = (name: string, volume: string) => `
  const { configure, connect, create_volume, exec_container_command, get_container_logs, get_containers, pull_image,
    remove_volume, run_compose, stop_container } = compat
  const log = { lines: [], add_log_line: (line) => log.lines.push(line), complete: (success) => log.lines.push(success) }
  const main = async () => {
    console.log(JSON.stringify({
      names: Object.keys(compat).sort(),
      row: (await get_containers()).find(({ name }) => name === ${JSON.stringify(name)})?.image,
      logs: await get_container_logs(${JSON.stringify(name)}),
      exec: await exec_container_command(${JSON.stringify(name)}, "echo 'a  b'"),
      created: await create_volume(${JSON.stringify(volume)}, "local", ${JSON.stringify(testLabels())}),
      removed: await remove_volume(${JSON.stringify(volume)}),
      pulled: await pull_image("A", log),
      composed: await run_compose("", log),
      stopped: await stop_container(undefined),
      log: log.lines,
      inspected: (await connect().containers.inspect(${JSON.stringify(name)})).name
    }))
  }
  main()`

describeEngine("the package, in JavaScript", () => {
  let container: TestContainer | undefined
  beforeAll(async () => {
    container = await startTestContainer({
      endpoint: testEngine().endpoint,
      cmd: ["sh", "-c", "echo out; exec sleep 300"]
    })
  })
  afterAll(() => container?.remove())

  const node = async (release: string): Promise<ReadonlyArray<string>> => {
    if (release === "this") return [process.execPath]
    if (release !== "oldest") return fetchedNode(release)
    const manifest: unknown = JSON.parse(await readFile(join(repositoryRoot, "packages/compat/package.json"), "utf8"))
    const oldest = /^>=(\d+\.\d+)$/.exec(String(jsonAt(manifest, "engines", "node")))?.[1]
    expect(oldest).toBeDefined()
    return fetchedNode(`${oldest}.0`)
  }

  const releases = isWhole ? ["this", "oldest", ...Object.values(nodeReleases)] : ["this"]
  it.for(releases)(
    "can be imported and required, and lets the process end: Node %s",
    { timeout: 300_000 },
    async (release) => {
      const name = container?.name ?? ""
      const [file = "", ...args] = await node(release)
      for (const [type, load] of [
        ["module", 'import * as compat from "@dockwire/compat"'],
        ["commonjs", 'const compat = require("@dockwire/compat")']
      ]) {
        const text = `${load}\n${program(name, uniqueName("volume"))}`
        const { code, output } = await command(
          repositoryRoot,
          file,
          // The first releases that can require modules warn of it.
          [...args, "--no-warnings", `--input-type=${type}`, "--eval", text],
          { DOCKER_HOST: testEngine().endpoint }
        )
        expect([type, code, output]).toEqual([type, 0, expect.stringMatching(/^\{.*\}\n$/)])
        expect(JSON.parse(output)).toEqual({
          names: Object.keys(compat).toSorted(),
          row: "busybox:latest",
          logs: [true, "out\n"],
          exec: [true, "a  b\n"],
          created: [true, expect.stringMatching(/^dockwire-volume-/)],
          removed: [true, expect.stringMatching(/^dockwire-volume-/)],
          pulled: [false, expect.stringMatching(/^invalid reference format: /)],
          composed: [false, expect.stringMatching(/^Error: Invalid config_path /)],
          stopped: [false, expect.stringMatching(/^Error: Invalid container_id /)],
          log: expect.arrayContaining(["Starting docker pull for A", false]),
          inspected: name
        })
      }
    }
  )
})
