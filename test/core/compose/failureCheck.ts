import { Compose } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { expect } from "vitest"
import type { ReadyCompose } from "../../engine/describeCompose.js"
import { engineCall, jsonAt } from "../../engine/engineRequest.js"
import { uniqueName } from "../../engine/testContainer.js"
import { testLabels, testProjectName } from "../../engine/testRun.js"
import type { FailureRow } from "./failureRows.js"
import { writeProject } from "./projectFiles.js"
import { composeAt, errorOf, ran } from "./runCompose.js"

/** A value with its placeholders filled in. */
const filled = (value: unknown, places: Readonly<Record<string, string>>): unknown =>
  JSON.parse(
    Object.entries(places).reduce((text, [name, place]) => text.replaceAll(`{${name}}`, place), JSON.stringify(value))
  )

/** Checks failures with an edition of compose, which it looks for once, on an engine. */
export interface FailureChecker {
  /** Brings a project up that fails before anything is made, and checks its error and its last event. */
  readonly checkFiles: (title: string, row: FailureRow) => Promise<void>
  /** As `checkFiles`, and takes down what was made. */
  readonly checkEngine: (title: string, row: FailureRow, places: Readonly<Record<string, string>>) => Promise<void>
  readonly stop: () => Promise<void>
}

export const failureChecker = (compose: ReadyCompose, endpoint: string): FailureChecker => {
  const runtime = ManagedRuntime.make(composeAt(compose, { endpoint }))
  const prepared = async (title: string, { files, spec }: FailureRow, given: Readonly<Record<string, string>>) => {
    const name = testProjectName(`${compose.tools.edition.replace(".", "")}-${title.replaceAll(/\W+/g, "-")}`)
    const places = { ...given, name, now: String(performance.now()) }
    const texts = filled(files, places)
    const folder = await writeProject(compose.folder, name, Object.fromEntries(Object.entries(Object(texts))))
    return { folder, project: spec?.(folder) ?? folder, places: { ...places, folder } }
  }
  const up = async (
    { error: expected, services }: FailureRow,
    { places, project }: Awaited<ReturnType<typeof prepared>>
  ): Promise<void> => {
    const options = services === undefined ? {} : { services }
    const run = await runtime.runPromise(ran(Effect.map(Compose, (service) => service.up(project, options))))
    const error = errorOf(run)
    expect(Object.fromEntries(Object.entries(error))).toMatchObject(Object(filled(expected, places)))
    // The words of compose are there before the failure.
    const lastLines = error._tag === "ComposeFailed" ? error.lastLines : []
    const said = run.events.flatMap((event) =>
      event._tag === "OperationLine" && event.stream !== "system" ? [event.text] : []
    )
    const isOurs = said.length === 0 || error._tag === "EngineUnavailable"
    for (const line of isOurs ? [] : lastLines.length > 0 ? lastLines : error.detail.split("\n")) {
      expect(said.join("\n")).toContain(line.trim())
    }
    expect(run.events.at(-1)).toMatchObject({ _tag: "OperationFailed", error: error.message })
    expect(run.events.filter(({ _tag }) => /Completed|Failed|Interrupted/.test(_tag))).toHaveLength(1)
  }
  return {
    checkFiles: async (title, row) => up(row, await prepared(title, row, {})),
    checkEngine: async (title, row, given) => {
      const made = await prepared(title, row, given)
      try {
        await up(row, made)
      } finally {
        await runtime.runPromise(ran(Effect.map(Compose, (service) => service.down(made.folder))))
      }
    },
    stop: () => runtime.dispose()
  }
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
