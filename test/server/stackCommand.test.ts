import { randomUUID } from "node:crypto"
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { stripVTControlCharacters } from "node:util"
import { afterAll, beforeAll, expect, it, vi } from "vitest"
import { eventually } from "../core/eventually.js"
import { writeProject } from "../core/compose/projectFiles.js"
import { testedEdition } from "../engine/composeEditions.js"
import { describeCompose } from "../engine/describeCompose.js"
import { jsonAt } from "../engine/engineRequest.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { testProjectName } from "../engine/testRun.js"
import { dockwire, type RunningCommand, startOnTerminal } from "./dockwireCommand.js"
import { type ApiServer, startApi } from "./http/apiServer.js"

const service = "image: busybox, command: [sleep, '600'], init: true, network_mode: none, stop_grace_period: 0s"

const quick = `services: { web: { ${service} } }\n`

/** It never becomes healthy, so that whoever waits for it waits. */
const slow = `services: { web: { ${service}, healthcheck: { test: ["CMD", "false"], interval: 1s, retries: 1000 } } }\n`

const newName = (what: string): string => testProjectName(`${what}-${randomUUID().slice(0, 8)}`)

/** The last drawing, without colors. */
const drawingOf = (command: RunningCommand): string =>
  stripVTControlCharacters(command.out().split("\u001b[J").at(-1) ?? "").replaceAll("\r", "")

const ctrlC = "\u0003"

describeEngine("stacks", () =>
  describeCompose(testedEdition(), "from the command line", (compose) => {
    const [fast, waiting] = [newName("fast"), newName("waiting")]
    let server: ApiServer
    let env: Readonly<Record<string, string>>
    let [dataDir, folder] = ["", ""]

    beforeAll(async () => {
      dataDir = await mkdtemp(join(tmpdir(), "dockwire-stack-command-"))
      folder = await realpath(await mkdtemp(join(tmpdir(), "dockwire-allowed-")))
      const { environment } = compose()
      await writeFile(join(dataDir, "stacks.json"), '{"version":1,"stacks":[{"na')
      // What checks the files takes the environment of the process when the server starts.
      for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
      const { endpoint } = testEngine()
      server = await startApi({ endpoint, dataDir, stacksDirs: [folder], compose: { environment } })
      vi.unstubAllEnvs()
      env = { DOCKWIRE_SERVER: server.url, DOCKWIRE_TOKEN: server.token }
      const path = await writeProject(folder, waiting, { "compose.yaml": slow })
      expect(await server.ask("POST", "/api/stacks", { body: { name: waiting, path } })).toMatchObject({ status: 201 })
    })
    afterAll(async () => {
      await server?.stop()
      for (const each of [dataDir, folder]) await rm(each, { recursive: true, force: true })
    })

    it("are added, come up, stop, start, go down and are removed: as lines, as a tree on a terminal, and as JSON", async () => {
      const path = await writeProject(folder, fast, { "compose.yaml": quick })
      expect(await dockwire(["stack", "add", fast, path], env)).toMatchObject({
        code: 0,
        out: "",
        err: `-- ${fast} was added. Bring it up with "dockwire up ${fast}" --\n`
      })
      const up = await dockwire(["up", fast], env)
      expect(up).toMatchObject({ code: 0, err: "-- run_compose completed --\n" })
      expect(up.out).toMatch(new RegExp(`Container ${fast}-web-1 +Started\\n`))
      const restart = startOnTerminal(["restart", fast, "web"], env)
      expect((await restart.ended).code).toBe(0)
      expect(drawingOf(restart)).toMatch(
        /^\[\+\] restart \S+ (\d)\/\1 [\d.]+s\n(.*\n)* ✔ Container d\S+…\S+-web-1 +(Started|Restarted) .*\n/
      )
      const [list, json, check, taken, inUse, complete] = await Promise.all([
        dockwire(["stack", "list"], env),
        dockwire(["stack", "list", "--json"], env),
        dockwire(["stack", "check", fast], env),
        dockwire(["stack", "add", fast, path], env),
        dockwire(["stack", "remove", fast], env),
        dockwire(["__complete", "stack", "remove", fast.slice(0, 8)], env)
      ])
      expect(list.out).toMatch(new RegExp(`^NAME +STATUS +CONTAINERS +FILE\\n(.*\\n)*${fast} +up +1/1 +${path}\\n`))
      // The file of an earlier run was damaged.
      expect(list.err).toMatch(/^-- The stacks in \S+ cannot be understood\. .* --\n$/)
      expect(await (await fetch(`${server.url}/readyz`)).text()).toBe("ready (earlier stacks are not shown)\n")
      expect(json.out).toContain(`"name":"${fast}"`)
      expect(check).toMatchObject({ code: 1, err: expect.stringContaining("needs a URL") })
      expect(taken).toMatchObject({ code: 1, err: expect.stringContaining(`There is a stack "${fast}" already`) })
      expect(inUse).toMatchObject({ code: 1, err: expect.stringContaining(`"${fast}" has a container`) })
      expect(complete.out.split("\n")).toContain(fast)
      const stop = await dockwire(["stop", "--timeout", "0", fast, "web"], env)
      expect(stop).toMatchObject({ code: 0, out: expect.stringMatching(/Container \S+-web-1 +Stopped\n/) })
      const start = await dockwire(["start", fast], env)
      expect(start).toMatchObject({ code: 0, out: expect.stringMatching(/Container \S+-web-1 +Started\n/) })
      const [plain, typo] = await Promise.all([
        startOnTerminal(["pull", "--detach", fast], { ...env, NO_COLOR: "1" }).ended,
        dockwire(["down", fast.replace("fast", "fsat")], env)
      ])
      expect(plain).toMatchObject({ code: 0, out: expect.stringMatching(/^[\da-f-]{36}\r\n$/) })
      expect(typo).toMatchObject({ code: 1, out: "", err: expect.stringContaining(`Did you mean ${fast}`) })
      await eventually(async () =>
        jsonAt((await server.ask("GET", `/api/operations/${plain.out.trim()}`)).json, "ended_at")
      ).toBeTypeOf("string")
      const down = await dockwire(["down", "--json", fast], env)
      const last: unknown = JSON.parse(down.out.trim().split("\n").at(-1) ?? "")
      expect([down.code, last]).toEqual([
        0,
        expect.objectContaining({ event: "end", status: "completed", success: true })
      ])
      expect(await dockwire(["stack", "remove", "--json", fast], env)).toMatchObject({
        code: 0,
        out: `{"name":"${fast}"}\n`
      })
    })

    it("are not operated by a wrong command line", async () => {
      const wrong: ReadonlyArray<readonly [args: ReadonlyArray<string>, message: string]> = [
        [["stack", "rename", fast], '"rename" is none of list, add, check, update, remove.'],
        [["stack", "add"], "The name of the stack is missing."],
        [["stack", "add", "new"], "The URL or path is missing."],
        [["stack", "list", fast], `"${fast}" is one argument too many.`],
        [["stop", "--timeout", "soon", fast], 'Invalid --timeout "soon". Pass a whole number, 0 or more.']
      ]
      await Promise.all(
        wrong.map(async ([args, message]) => {
          const { code, err } = await dockwire(args, env)
          expect([args, code, err]).toEqual([args, 2, `${message}\nRun "dockwire ${args[0]} --help" for usage.\n`])
        })
      )
    })

    it("are left running or cancelled with Ctrl-C, and say so with their exit code", async () => {
      const left = startOnTerminal(["up", "--wait", waiting], env)
      await eventually(() => drawingOf(left)).toMatch(/● Container d\S+…\S+-web-1 +Waiting/)
      left.child.stdin.write(ctrlC)
      await eventually(() => drawingOf(left)).toContain("Leave it running (l), cancel it (c), or go on watching (w)?")
      left.child.stdin.write("w")
      await eventually(() => drawingOf(left)).not.toContain("Leave it running")
      left.child.stdin.write(ctrlC)
      await eventually(() => drawingOf(left)).toContain("Leave it running")
      left.child.stdin.write(ctrlC)
      const { code, out } = await left.ended
      expect(code).toBe(130)
      const id = /It goes on on the server\. Watch it with "dockwire operations -f ([\da-f-]{36})"/.exec(out)?.[1] ?? ""
      const status = async () => jsonAt((await server.ask("GET", `/api/operations/${id}`)).json, "status")
      expect(await status()).toBe("running")
      expect(await dockwire(["up", waiting], env)).toMatchObject({
        code: 1,
        err: `Another operation is still running on ${waiting}. Watch it with "dockwire operations -f ${id}", or end it with "dockwire cancel ${id}".\n`
      })
      expect(await dockwire(["cancel", id.slice(0, 20)], env)).toMatchObject({
        code: 0,
        err: expect.stringContaining(" interrupted after ")
      })
      const cancelled = startOnTerminal(["up", "--wait", waiting], env)
      await eventually(() => drawingOf(cancelled)).toMatch(/● Container .* Waiting/)
      cancelled.child.stdin.write(ctrlC)
      await eventually(() => drawingOf(cancelled)).toContain("cancel it (c)")
      cancelled.child.stdin.write("c")
      expect((await cancelled.ended).code).toBe(3)
      expect((await cancelled.ended).out).toMatch(/run_compose interrupted\r\n$/)
      expect((await dockwire(["down", waiting], env)).code).toBe(0)
    })
  })
)
