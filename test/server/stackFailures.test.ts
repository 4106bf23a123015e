import { mkdtemp, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { type TakenContainer, startTakenContainer } from "../core/compose/failureCheck.js"
import { engineRows, type FailureRow, fileRows } from "../core/compose/failureRows.js"
import { writeProject } from "../core/compose/projectFiles.js"
import { testedEdition } from "../engine/composeEditions.js"
import { describeCompose } from "../engine/describeCompose.js"
import { jsonAt } from "../engine/engineRequest.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { type RegistryFront, startRegistryFront } from "../engine/registryFront.js"
import { testProjectName } from "../engine/testRun.js"
import { isWhole } from "../whole/isWhole.js"
import { type ApiServer, startApi } from "./http/apiServer.js"
import { connectWire, isEvent, type WireClient } from "./wireClient.js"

/** One of each kind. */
const some =
  /^(a line with wrong indentation|a variable that is required|a service that is not there|an image that the registry does not have|a build that fails|a port that is in use|a dependency that fails|an external network that is missing)$/

/** Those that a stack can have: it has one file, and is given no more than services. */
const rows = Object.entries({ ...fileRows, ...engineRows }).filter(
  ([title, { spec }]) => spec === undefined && (isWhole || some.test(title))
)

const valid = { "compose.yaml": "services: { web: { image: busybox } }\n" }

const filled = (value: unknown, places: Readonly<Record<string, string>>): unknown =>
  JSON.parse(
    Object.entries(places).reduce((text, [name, place]) => text.replaceAll(`{${name}}`, place), JSON.stringify(value))
  )

/** The fields of an error, as the wire names them. */
const onWire = (error: FailureRow["error"]): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(error).map(([key, value]) => [
      key === "_tag" ? "tag" : key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value
    ])
  )

describeEngine("stacks that fail, over HTTP and the WebSocket", () =>
  describeCompose(testedEdition(), "of each kind", (compose) => {
    const { endpoint } = testEngine()
    let allowed: string
    let front: RegistryFront
    let server: ApiServer
    let taken: TakenContainer
    let viewer: WireClient

    beforeAll(async () => {
      allowed = await realpath(await mkdtemp(join(tmpdir(), "dockwire-failing-")))
      const { environment } = compose()
      ;[front, taken, server] = await Promise.all([
        startRegistryFront(),
        startTakenContainer(endpoint),
        startApi({ endpoint, stacksDirs: [allowed], compose: { environment } })
      ])
      viewer = await connectWire(server.url, { token: server.token })
      viewer.send({ event: "join", data: { room: "docker_logs" } })
      await viewer.waitFor(isEvent("joined"))
    })
    afterAll(async () => {
      await viewer?.close()
      await server?.stop()
      await Promise.all([front?.stop(), taken?.remove(), rm(allowed, { recursive: true, force: true })])
    })

    const operate = async (path: string) => {
      const { json, status } = await server.ask("POST", path)
      expect([path, status, json]).toMatchObject([path, 202, { log_id: expect.any(String) }])
      const id = jsonAt(json, "log_id")
      const end = await viewer.waitFor(
        isEvent("docker_log_complete", ({ data }) => data.log_id === id),
        50_000
      )
      return end.data
    }

    for (const [title, { error, files, services = [] }] of rows) {
      it.concurrent(title, async () => {
        const name = testProjectName(title.replaceAll(/\W+/g, "-")).slice(0, 100)
        const folder = join(allowed, name)
        const places = {
          folder,
          name,
          now: String(performance.now()),
          host: front.host,
          port: taken.port,
          taken: taken.name
        }
        await writeProject(allowed, name, valid)
        expect(await server.ask("POST", "/api/stacks", { body: { name, path: folder } })).toMatchObject({ status: 201 })
        // The file fails later than when it was added.
        await rm(join(folder, "compose.yaml"))
        await writeProject(allowed, name, Object.fromEntries(Object.entries(Object(filled(files, places)))))
        if (error.reason === "FileNotFound") {
          // There is nothing to run: it is refused before it begins.
          const refused = { status: 422, json: { _tag: "StackUnsuitable", reason: "FileNotAllowed", name } }
          expect(await server.ask("POST", `/api/stacks/${name}/up`)).toMatchObject(refused)
          return
        }
        const query = services.map((service) => `services=${encodeURIComponent(service)}`).join("&")
        const end = await operate(`/api/stacks/${name}/up?${query}`)
        expect(end).toMatchObject({
          success: false,
          status: "failed",
          operation_type: "run_compose",
          config_id: name,
          error: expect.any(String),
          failure: onWire(Object(filled(error, places)))
        })
        if (title in engineRows) await operate(`/api/stacks/${name}/down`)
      })
    }
  })
)
