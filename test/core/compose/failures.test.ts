import * as Effect from "effect/Effect"
import { afterAll, beforeAll, expect, it } from "vitest"
import { describeCompose, type ReadyCompose } from "../../engine/describeCompose.js"
import { engineCall, jsonAt } from "../../engine/engineRequest.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { type RegistryFront, startRegistryFront } from "../../engine/registryFront.js"
import { uniqueName } from "../../engine/testContainer.js"
import { testLabels, testProjectName } from "../../engine/testRun.js"
import { engineRows, type FailureRow, fileRows } from "./failureRows.js"
import { writeProject } from "./projectFiles.js"
import { errorOf, onCompose, ran } from "./runCompose.js"

/** A value with its placeholders filled in. */
const filled = (value: unknown, places: Readonly<Record<string, string>>): unknown =>
  JSON.parse(
    Object.entries(places).reduce((text, [name, place]) => text.replaceAll(`{${name}}`, place), JSON.stringify(value))
  )

const check = async (
  compose: ReadyCompose,
  title: string,
  row: FailureRow,
  given: Readonly<Record<string, string>> = {}
): Promise<void> => {
  const name = testProjectName(`${compose.tools.edition.replace(".", "")}-${title.replaceAll(/\W+/g, "-")}`)
  const places = { ...given, name, now: String(performance.now()) }
  const files = filled(row.files, places)
  const folder = await writeProject(compose.folder, name, Object.fromEntries(Object.entries(Object(files))))
  const project = row.spec?.(folder) ?? folder
  const services = row.services === undefined ? {} : { services: row.services }
  await onCompose(compose, { endpoint: testEngine().endpoint }, (service) =>
    Effect.gen(function* () {
      const run = yield* ran(Effect.succeed(service.up(project, services)))
      const error = errorOf(run)
      expect(Object.fromEntries(Object.entries(error))).toMatchObject(Object(filled(row.error, { ...places, folder })))
      expect(run.events.at(-1)).toMatchObject({ _tag: "OperationFailed", error: error.message })
      expect(run.events.filter(({ _tag }) => /Completed|Failed|Interrupted/.test(_tag))).toHaveLength(1)
    }).pipe(
      Effect.ensuring(row.spec === undefined ? Effect.ignore(ran(Effect.succeed(service.down(folder)))) : Effect.void)
    )
  )
}

for (const edition of ["2.26", "2.40"] as const) {
  describeEngine("failures", () => {
    describeCompose(edition, "of the files", (compose) => {
      for (const [title, row] of Object.entries(fileRows)) it.concurrent(title, () => check(compose(), title, row))
    })

    describeCompose(edition, "of the engine", (compose) => {
      let front: RegistryFront
      let taken = { id: "", name: "", port: "" }

      beforeAll(async () => {
        front = await startRegistryFront()
        const { endpoint } = testEngine()
        const name = uniqueName("taken")
        const body = {
          Image: "busybox",
          Cmd: ["sleep", "600"],
          ExposedPorts: { "80/tcp": {} },
          Labels: testLabels(),
          HostConfig: { PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "" }] } }
        }
        const { json } = await engineCall(endpoint, "POST", `/containers/create?name=${name}`, body)
        const id = String(jsonAt(json, "Id"))
        await engineCall(endpoint, "POST", `/containers/${id}/start`)
        const shown = await engineCall(endpoint, "GET", `/containers/${id}/json`)
        taken = { id, name, port: String(jsonAt(shown.json, "NetworkSettings", "Ports", "80/tcp", 0, "HostPort")) }
      })
      afterAll(async () => {
        await front.stop()
        await engineCall(testEngine().endpoint, "DELETE", `/containers/${taken.id}?force=1`)
      })

      for (const [title, row] of Object.entries(engineRows)) {
        it.concurrent(title, () =>
          check(compose(), title, row, { host: front.host, port: taken.port, taken: taken.name })
        )
      }
    })
  })
}
