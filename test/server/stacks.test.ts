import { execFile } from "node:child_process"
import { randomUUID } from "node:crypto"
import { mkdtemp, readdir, readFile, realpath, rm, stat, symlink, writeFile } from "node:fs/promises"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { eventually } from "../core/eventually.js"
import { writeProject } from "../core/compose/projectFiles.js"
import { testedEdition } from "../engine/composeEditions.js"
import { describeCompose } from "../engine/describeCompose.js"
import { jsonAt } from "../engine/engineRequest.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { testProjectName } from "../engine/testRun.js"
import { type ApiServer, readLines, startApi } from "./http/apiServer.js"
import { connectWire, isEvent, type WireClient } from "./wireClient.js"

const run = promisify(execFile)

/** A server of compose files. */
interface FileServer {
  readonly url: string
  /** What it answers with from now on. */
  readonly serve: (text: string) => void
  readonly close: () => void
}

const startFileServer = async (): Promise<FileServer> => {
  let text = ""
  const server = createServer((request, response) => {
    if (request.url?.startsWith("/compose.yaml") === true) response.end(text)
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/compose.yaml`,
    serve: (served) => (text = served),
    close: () => server.close()
  }
}

const service = (text: string) =>
  `services: { web: { image: busybox, command: [sh, -c, "echo hello $$TEXT; sleep 600"], environment: { TEXT: ${text} }, network_mode: none, stop_grace_period: 0s } }\n`

const newName = (what: string): string => testProjectName(`${what}-${randomUUID().slice(0, 8)}`)

const text = (value: unknown, ...path: ReadonlyArray<string>): string => {
  const found = jsonAt(value, ...path)
  if (typeof found !== "string") throw new Error(`no text at ${path.join(".")} of ${JSON.stringify(value)}`)
  return found
}

/** Starts an operation, and waits for its end. */
const operate = async (server: ApiServer, path: string, headers: Readonly<Record<string, string>> = {}) => {
  const accepted = await server.ask("POST", path, { headers })
  expect([path, accepted.status, accepted.text]).toMatchObject([path, 202, expect.any(String)])
  return ended(server, text(accepted.json, "log_id"))
}

const ended = async (server: ApiServer, id: string): Promise<unknown> => {
  const details = async () => (await server.ask("GET", `/api/operations/${id}`)).json
  await eventually(async () => jsonAt(await details(), "ended_at")).toBeTypeOf("string")
  return details()
}

const isWhole = (client: WireClient, room: string, id: string): void => {
  const own = client.messages.filter(
    (message) => "room" in message && message.room === room && jsonAt(message, "data", "log_id") === id
  )
  expect(own.filter(({ event }) => event === "docker_log_complete")).toHaveLength(1)
  expect(own.at(-1)?.event).toBe("docker_log_complete")
}

describeEngine("stacks on an engine", () =>
  describeCompose(testedEdition(), "with compose", (compose) => {
    let server: ApiServer
    let web: FileServer
    let [dataDir, folder] = ["", ""]

    const start = async () => {
      const { environment } = compose()
      // What checks the files that are downloaded takes the environment of the process when the server starts.
      for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
      try {
        const endpoint = testEngine().endpoint
        return await startApi({
          endpoint,
          dataDir,
          stacksDirs: [folder],
          stacksAnyAddress: true,
          compose: { environment }
        })
      } finally {
        vi.unstubAllEnvs()
      }
    }
    /** Compose, as it is run without the server. */
    const byHand = (directory: string, ...args: ReadonlyArray<string>) =>
      run(compose().tools.compose, args, {
        cwd: directory,
        env: { ...compose().environment, DOCKER_HOST: testEngine().endpoint, COMPOSE_ANSI: "never" }
      })

    beforeAll(async () => {
      dataDir = await mkdtemp(join(tmpdir(), "dockwire-stacks-"))
      folder = await realpath(await mkdtemp(join(tmpdir(), "dockwire-allowed-")))
      web = await startFileServer()
      server = await start()
    })
    afterAll(async () => {
      await server?.stop()
      web?.close()
      for (const each of [dataDir, folder]) await rm(each, { recursive: true, force: true })
    })

    it("are added from a URL, run, watched, updated, found after a restart and removed", async () => {
      const name = newName("url")
      const at = `/api/stacks/${name}`
      web.serve(service("one"))
      const client = await connectWire(server.url, { token: server.token })
      try {
        for (const room of ["docker_logs", `docker_config_${name}`]) client.send({ event: "join", data: { room } })
        await client.until(() => client.messages.filter(({ event }) => event === "joined").length === 2)
        const secret = web.url.replace("//", "//user:secret@")
        const added = await server.ask("POST", "/api/stacks", { body: { name, url: `${secret}?key=secret` } })
        expect({ status: added.status, json: added.json }).toMatchObject({
          status: 201,
          json: {
            name,
            room: `docker_config_${name}`,
            source: { _tag: "Url", url: `${web.url}?...` },
            status: "down",
            missing: ["web"],
            validation: { _tag: "Compose" }
          }
        })
        expect(await server.ask("POST", "/api/stacks", { body: { name, url: web.url } })).toMatchObject({
          status: 409,
          json: { _tag: "StackConflict", reason: "Exists" }
        })

        // A repeated request is the same operation, and another one on the stack has to wait for its end.
        const headers = { "idempotency-key": randomUUID() }
        const ups = await Promise.all([1, 2].map(() => server.ask("POST", `${at}/up?wait`, { headers })))
        const id = text(ups[0]?.json, "log_id")
        expect(ups.map(({ json, status }) => [status, jsonAt(json, "log_id")])).toEqual([
          [202, id],
          [202, id]
        ])
        for (const path of [`${at}/down`, `${at}/update`]) {
          expect(await server.ask("POST", path)).toMatchObject({
            status: 409,
            json: { _tag: "OperationConflict", log_id: id, room: `operation_${id}`, operation_type: "run_compose" }
          })
        }
        expect(await server.ask("DELETE", at)).toMatchObject({ status: 409, json: { _tag: "OperationConflict" } })
        expect(await ended(server, id)).toMatchObject({
          status: "completed",
          operation_type: "run_compose",
          config_id: name,
          started_by: "operator",
          targets: [`stack:${name}`]
        })
        for (const room of ["docker_logs", `docker_config_${name}`]) {
          await client.waitFor(
            isEvent("docker_log_complete", (message) => message.room === room && message.data.log_id === id)
          )
          isWhole(client, room, id)
        }
        const lines = client.lines(`docker_config_${name}`)
        expect(lines.join("\n")).toContain(`Container ${name}-web-1`)
        expect((await server.ask("GET", at)).json).toMatchObject({
          status: "up",
          missing: [],
          services: { web: ["running"] },
          containers: [{ service: "web", state: "running" }]
        })

        expect((await server.ask("GET", `${at}/check`)).json).toMatchObject({ changed: false, diff: "" })
        web.serve(service("two"))
        const check = await server.ask("GET", `${at}/check`)
        expect(check.json).toMatchObject({ changed: true, diff: expect.stringMatching(/^-.*one.*\n\+.*two/m) })
        expect(check.text).not.toContain("secret")
        const update = await operate(server, `${at}/update`)
        expect(update).toMatchObject({ status: "completed", operation_type: "update_compose_file" })
        const updated = await server.ask("GET", `/api/operations/${text(update, "log_id")}/lines`)
        expect(updated.text).toContain(text(check.json, "diff"))
        expect(updated.text).not.toContain("secret")
        expect((await server.ask("GET", `${at}/check`)).json).toMatchObject({ changed: false })
        expect(await readFile(join(dataDir, "stacks", name, "compose.yaml"), "utf8")).toBe(service("two"))
        web.serve("services: { web: { imag: busybox } }\n")
        expect(await operate(server, `${at}/update`)).toMatchObject({
          status: "failed",
          failure: { tag: "ComposeFileInvalid", fields: { reason: "Rejected" } }
        })

        await server.stop()
        await client.closed
        server = await start()
        const again = await connectWire(server.url, { token: server.token })
        const room = `operation_${id}`
        again.send({ event: "join", data: { room } })
        await again.waitFor(isEvent("docker_log_complete", (message) => message.room === room))
        isWhole(again, room, id)
        expect(again.lines(room)).toEqual(
          client.messages.flatMap((message) =>
            message.event === "docker_log" && message.room === "docker_logs" && jsonAt(message.data, "log_id") === id
              ? message.data.lines.map(([, , line]) => line)
              : []
          )
        )
        await again.close()
        expect(
          (await server.ask("GET", "/api/operations?target=" + encodeURIComponent(`stack:${name}`))).json
        ).toMatchObject({
          operations: [
            { status: "failed" },
            { log_id: update === undefined ? "" : text(update, "log_id") },
            { log_id: id }
          ]
        })

        expect((await stat(join(dataDir, "stacks.json"))).mode & 0o777).toBe(0o600)
        await operate(server, `${at}/up?recreate=always&stopTimeout=0`)
        expect(await server.ask("DELETE", at)).toMatchObject({ status: 409, json: { reason: "InUse" } })
        await operate(server, `${at}/down?stopTimeout=0`)
        expect(await server.ask("DELETE", at)).toMatchObject({ status: 200, json: { name } })
        expect(await readdir(join(dataDir, "stacks"))).toEqual([])
        expect(await server.ask("GET", at)).toMatchObject({ status: 404, json: { _tag: "StackNotFound" } })
      } finally {
        await client.close()
        await byHand(folder, "-p", name, "down", "--timeout", "0").catch(() => {})
      }
    }, 120_000)

    it("that run without being known are listed, stopped and restarted; added, they also come up", async () => {
      const name = newName("found")
      const at = `/api/stacks/${name}`
      const directory = await writeProject(folder, name, { "compose.yaml": service("found") })
      const file = join(directory, "compose.yaml")
      try {
        await byHand(directory, "up", "--detach")
        const own = async () => {
          const { json } = await server.ask("GET", "/api/stacks")
          const stacks = jsonAt(json, "stacks")
          return Array.isArray(stacks) ? stacks.find((stack: unknown) => jsonAt(stack, "name") === name) : undefined
        }
        expect(await own()).toMatchObject({ name, status: "up", services: { web: ["running"] }, configFiles: [file] })
        expect(await own()).not.toHaveProperty("source")
        for (const verb of ["up", "pull", "update"]) {
          expect(await server.ask("POST", `${at}/${verb}`)).toMatchObject({
            status: 422,
            json: { _tag: "StackUnsuitable", reason: "NotAdded", files: [file], message: expect.stringContaining(file) }
          })
        }
        await operate(server, `${at}/stop?stopTimeout=0`)
        expect((await server.ask("GET", at)).json).toMatchObject({ status: "down", services: { web: ["exited"] } })
        await operate(server, `${at}/start`)
        await operate(server, `${at}/restart?services=web&stopTimeout=0`)
        expect((await server.ask("GET", at)).json).toMatchObject({ status: "up", services: { web: ["running"] } })

        const read = `${at}/logs?services=web&tail=1&stream=stdout`
        expect((await server.ask("GET", `${read}&timestamps`)).text).toMatch(
          new RegExp(`^${name}-web-1 \\| \\d{4}-\\S+Z hello found\n$`)
        )
        const followed = new AbortController()
        const follow = await server.open("GET", `${read}&follow`, {
          accept: "application/x-ndjson",
          signal: followed.signal
        })
        const { lines } = readLines(follow)
        const line = () => lines.find((each) => each.includes('"LogLine"'))
        await eventually(line).toBeTypeOf("string")
        expect(JSON.parse(line() ?? "")).toMatchObject({
          service: "web",
          container: `${name}-web-1`,
          text: "hello found"
        })
        followed.abort()

        const twice = await server.ask("POST", "/api/stacks", { body: { name: `${name}-twice`, path: file } })
        expect(twice).toMatchObject({
          status: 409,
          json: { reason: "OtherProject", message: expect.stringContaining(name) }
        })
        expect(await server.ask("POST", "/api/stacks", { body: { name, path: directory } })).toMatchObject({
          status: 201,
          json: { status: "up", source: { _tag: "File", path: directory } }
        })
        for (const [method, verb] of [
          ["GET", "check"],
          ["POST", "update"]
        ] as const) {
          expect(await server.ask(method, `${at}/${verb}`)).toMatchObject({ status: 422, json: { reason: "NoUrl" } })
        }
        expect(await operate(server, `${at}/up`)).toMatchObject({ status: "completed" })

        // Its file is gone: what needs it says so, and the rest works.
        await rm(file)
        expect((await server.ask("GET", at)).json).toMatchObject({
          status: "up",
          problem: expect.stringContaining("none of compose.yaml")
        })
        expect(await server.ask("POST", `${at}/up`)).toMatchObject({ status: 422, json: { reason: "FileNotAllowed" } })
        expect(await server.ask("DELETE", `${at}?force`)).toMatchObject({ status: 200, json: { name } })
        await operate(server, `${at}/down?stopTimeout=0`)
        expect(await own()).toBeUndefined()
      } finally {
        await byHand(folder, "-p", name, "down", "--timeout", "0").catch(() => {})
      }
    }, 120_000)

    it("say what is wrong with a request, and what to do", async () => {
      const outside = await mkdtemp(join(tmpdir(), "dockwire-outside-"))
      try {
        await writeFile(join(outside, "compose.yaml"), service("outside"))
        await symlink(outside, join(folder, "link"))
        await writeProject(folder, "linked", {})
        await symlink(join(outside, "compose.yaml"), join(folder, "linked", "compose.yaml"))
        await writeProject(folder, "bad", { "compose.yaml": "services: { web: { imag: busybox } }\n", ".env": "A=1\n" })
        await writeProject(folder, "variable", {
          "compose.yaml": "services: { web: { image: 'busybox:${MISSING_TAG:?set it}' } }\n"
        })
        web.serve("services: [\n")
        const url = web.url
        const name = newName("bad")
        const rows: ReadonlyArray<
          readonly [
            body: Readonly<Record<string, unknown>>,
            status: number,
            tag: string,
            ...words: ReadonlyArray<string>
          ]
        > = [
          [{}, 400, "InvalidRequest", "name", "missing"],
          [{ name: "Bad Name", url }, 400, "InvalidRequest", "Bad Name", "lowercase"],
          [{ name: "../up", url }, 400, "InvalidRequest", "../up"],
          [{ name }, 400, "InvalidRequest", "either path"],
          [{ name, url, path: folder }, 400, "InvalidRequest", "either path"],
          [{ name, url: "no url" }, 400, "InvalidRequest", "no url", "https://example.com"],
          [{ name, url: "file:///etc/passwd" }, 400, "InvalidRequest", "only http and https"],
          [
            { name, url: "http://no-such-host.invalid/x" },
            422,
            "DownloadFailed",
            "no-such-host.invalid",
            "Check the URL"
          ],
          [{ name, url: url.replace("compose.yaml", "nothing") }, 422, "DownloadFailed", "404"],
          [{ name, url }, 422, "ComposeFileInvalid", "line", "Correct the file"],
          [{ name, path: "compose.yaml" }, 400, "InvalidRequest", "absolute"],
          [{ name, path: "/etc/passwd" }, 400, "InvalidRequest", "/etc/passwd", folder, "--stacks-dir"],
          [{ name, path: `${folder}/../${outside.split("/").at(-1)}` }, 400, "InvalidRequest", "allowed folders"],
          [{ name, path: `${folder}-more/compose.yaml` }, 400, "InvalidRequest", "allowed folders"],
          [{ name, path: join(folder, "link") }, 400, "InvalidRequest", "leads out"],
          [{ name, path: join(folder, "link", "compose.yaml") }, 400, "InvalidRequest", "leads out"],
          [{ name, path: join(folder, "linked") }, 400, "InvalidRequest", "leads out"],
          [{ name, path: join(folder, "linked", "compose.yaml") }, 400, "InvalidRequest", "leads out"],
          [{ name, path: join(folder, "nothing") }, 400, "InvalidRequest", "does not exist"],
          [{ name, path: folder }, 400, "InvalidRequest", "none of compose.yaml"],
          [{ name, path: join(folder, "bad", ".env") }, 422, "ComposeFileInvalid", ".env"],
          [{ name, path: join(folder, "bad") }, 422, "ComposeFileInvalid", "imag"],
          [{ name, path: join(folder, "variable") }, 422, "ComposeFileInvalid", "MISSING_TAG", "Set it"]
        ]
        const refused = async (
          [{ name: each, ...rest }, status, tag, ...words]: (typeof rows)[number],
          index: number
        ) => {
          const body = { ...(each === undefined ? {} : { name: each === name ? `${name}-${index}` : each }), ...rest }
          const answer = await server.ask("POST", "/api/stacks", { body })
          expect([body, answer.status, jsonAt(answer.json, "_tag")]).toEqual([body, status, tag])
          for (const word of words) expect(text(answer.json, "message")).toContain(word)
        }
        await Promise.all(rows.map(refused))
        for (const [method, path, status, tag] of [
          ["GET", "", 404, "StackNotFound"],
          ["DELETE", "", 404, "StackNotFound"],
          ["GET", "/check", 404, "StackNotFound"],
          ["GET", "/logs", 404, "StackNotFound"],
          ["POST", "/up", 404, "StackNotFound"],
          ["POST", "/stop", 404, "StackNotFound"],
          ["POST", "/up?pull=sometimes", 400, "InvalidRequest"],
          ["POST", "/down?stopTimeout=-1", 400, "InvalidRequest"]
        ] as const) {
          const answer = await server.ask(method, `/api/stacks/${name}${path}`)
          expect([method, path, answer.status, jsonAt(answer.json, "_tag")]).toEqual([method, path, status, tag])
        }
        // Nothing of it was kept.
        expect(await server.ask("GET", `/api/stacks/${name}`)).toMatchObject({ status: 404 })

        const image = await writeProject(folder, "image", {
          "compose.yaml": "services: { web: { image: '127.0.0.1:9/nothing:1' } }\n"
        })
        expect(await server.ask("POST", "/api/stacks", { body: { name, path: image } })).toMatchObject({ status: 201 })
        for (const [verb, status, failure] of [
          ["pull", "failed", { tag: "RegistryError" }],
          ["up", "failed", { tag: "RegistryError" }],
          ["up?services=nothing", "failed", { tag: "ComposeFailed", fields: { reason: "ServiceNotFound" } }],
          ["pull?ignoreFailures", "completed", undefined]
        ] as const) {
          const details = await operate(server, `/api/stacks/${name}/${verb}`)
          expect(details).toMatchObject({ status, ...(failure === undefined ? {} : { failure }) })
        }
      } finally {
        await rm(outside, { recursive: true, force: true })
      }
    }, 120_000)
  })
)

describe("stacks without an engine", () => {
  it("are set aside if their file is damaged, which is said; and only public addresses are connected to", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "dockwire-stacks-"))
    const web = await startFileServer()
    web.serve(service("private"))
    await writeFile(join(dataDir, "stacks.json"), '{"version":1,"stacks":[{"name":"web","source":')
    const server = await startApi({ endpoint: "unix:///nonexistent/docker.sock", dataDir })
    try {
      const list = await server.ask("GET", "/api/stacks")
      expect(list).toMatchObject({
        status: 200,
        json: { stacks: [], problem: expect.stringContaining("stacks.json.broken-") }
      })
      expect(list.text).toContain("Projects that were not added are missing")
      const aside = (await readdir(dataDir)).find((file) => file.startsWith("stacks.json.broken-")) ?? ""
      expect(await readFile(join(dataDir, aside), "utf8")).toContain('"web"')
      for (const url of [
        web.url,
        web.url.replace("127.0.0.1", "localhost"),
        "http://169.254.169.254/",
        "http://[::1]/"
      ]) {
        expect(await server.ask("POST", "/api/stacks", { body: { name: "web", url } })).toMatchObject({
          status: 422,
          json: {
            _tag: "DownloadFailed",
            reason: "AddressRefused",
            message: expect.stringContaining("--stacks-any-address")
          }
        })
      }
      const path = join(dataDir, "compose.yaml")
      expect(await server.ask("POST", "/api/stacks", { body: { name: "web", path } })).toMatchObject({
        status: 400,
        json: { message: expect.stringContaining(`--stacks-dir "${dataDir}"`) }
      })
      expect(await server.ask("POST", "/api/stacks/web/up")).toMatchObject({ status: 503 })
    } finally {
      await server.stop()
      web.close()
      await rm(dataDir, { recursive: true, force: true })
    }
  })
})
