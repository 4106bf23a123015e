import * as Effect from "effect/Effect"
import { expect } from "vitest"
import type { ReadyCompose } from "../../engine/describeCompose.js"
import { engineCall, jsonAt } from "../../engine/engineRequest.js"
import { uniqueName } from "../../engine/testContainer.js"
import { testLabels, testProjectName } from "../../engine/testRun.js"
import type { FailureRow } from "./failureRows.js"
import { writeProject } from "./projectFiles.js"
import { errorOf, onCompose, ran } from "./runCompose.js"

/** A value with its placeholders filled in. */
const filled = (value: unknown, places: Readonly<Record<string, string>>): unknown =>
  JSON.parse(
    Object.entries(places).reduce((text, [name, place]) => text.replaceAll(`{${name}}`, place), JSON.stringify(value))
  )

/** Brings a project up that fails, and checks its error and its last event. */
export const checkFailure = async (
  compose: ReadyCompose,
  endpoint: string,
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
  await onCompose(compose, { endpoint }, (service) =>
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

/** A container with a name and a port of the loopback that a project may want too. */
export interface TakenContainer {
  readonly name: string
  readonly port: string
  readonly remove: () => Promise<void>
}

export const startTakenContainer = async (endpoint: string): Promise<TakenContainer> => {
  const name = uniqueName("taken")
  const { json } = await engineCall(endpoint, "POST", `/containers/create?name=${name}`, {
    Image: "busybox",
    Cmd: ["sleep", "600"],
    ExposedPorts: { "80/tcp": {} },
    Labels: testLabels(),
    HostConfig: { PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "" }] } }
  })
  const id = String(jsonAt(json, "Id"))
  await engineCall(endpoint, "POST", `/containers/${id}/start`)
  const shown = await engineCall(endpoint, "GET", `/containers/${id}/json`)
  return {
    name,
    port: String(jsonAt(shown.json, "NetworkSettings", "Ports", "80/tcp", 0, "HostPort")),
    remove: async () => {
      await engineCall(endpoint, "DELETE", `/containers/${id}?force=1`)
    }
  }
}
