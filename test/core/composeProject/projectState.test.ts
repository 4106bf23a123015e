import { Docker } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { expect, it } from "vitest"
import { withStopped } from "../../../packages/core/src/internal/compose/project/inspectedContainer.js"
import { listProjects } from "../../../packages/core/src/internal/compose/project/listProjects.js"
import { listProjectContainers } from "../../../packages/core/src/internal/compose/project/projectContainers.js"
import { projectEvents } from "../../../packages/core/src/internal/compose/project/projectEvents.js"
import { describeLeft, projectLeft } from "../../../packages/core/src/internal/compose/project/projectLeft.js"
import { projectStatus } from "../../../packages/core/src/internal/compose/project/projectStatus.js"
import { serviceFailures } from "../../../packages/core/src/internal/compose/project/serviceFailures.js"
import { describeEngine } from "../../engine/realEngine.js"
import { freePort } from "../../engine/freePort.js"
import { eventually } from "../eventually.js"
import { onTestEngine } from "../bothEngines.js"
import { hasTrap, lasting, withProject } from "./realProject.js"

const file = `
services:
  web:
    image: busybox
    init: true
    command: ${lasting}
    depends_on: { db: { condition: service_healthy }, init: { condition: service_completed_successfully } }
  db:
    image: busybox
    init: true
    command: ${lasting}
    volumes: [data:/data]
    healthcheck: { test: ["CMD", "true"], interval: 1s, start_period: 5s, start_interval: 100ms }
  init: { image: busybox, command: ["true"] }
  seed: { image: busybox, command: ["true"] }
volumes: { data: {} }
`
const expected = ["web", "db", "init", "seed"].map((service) => ({ service }))

const onEngine = <A, E>(use: (docker: typeof Docker.Service) => Effect.Effect<A, E>): Promise<A> =>
  onTestEngine(Effect.flatMap(Docker, use))

describeEngine("what the engine tells of a project", () => {
  it("is the truth after every step", () =>
    withProject(file, async ({ compose, folder, name }) => {
      const status = () => onEngine((docker) => projectStatus(docker, name, expected))
      const list = () => onEngine((docker) => listProjectContainers(docker, name))
      const states = async () =>
        (await list()).map(({ container: { exitCode, health, number, service, state } }) =>
          [`${service}-${number}`, state, health ?? exitCode].filter((part) => part !== undefined).join(" ")
        )
      const down = { status: "down", missing: ["web", "db", "init", "seed"], done: [] }
      expect(await status()).toEqual(down)

      await compose("up", "--detach")
      expect(await states()).toEqual(["db-1 running healthy", "init-1 exited 0", "seed-1 exited 0", "web-1 running"])
      expect(await status()).toEqual({ status: "up", missing: [], done: ["init", "seed"] })
      const own = (await list()).find(({ container }) => container.service === "web")
      expect(own?.container).toMatchObject({ name: `${name}-web-1`, oneOff: false, image: "busybox", ports: [] })
      expect(own?.labels).toMatchObject({
        project: name,
        workingDirectory: folder,
        configFiles: [`${folder}/compose.yaml`],
        dependsOn: expect.arrayContaining([{ service: "init", condition: "service_completed_successfully" }])
      })
      const projects = await onEngine(listProjects)
      expect(projects.find((project) => project.name === name)).toEqual({
        name,
        workingDirectory: folder,
        configFiles: [`${folder}/compose.yaml`],
        services: { db: ["running"], init: ["exited"], seed: ["exited"], web: ["running"] }
      })

      await hasTrap(`${name}-web-1`)
      const since = new Date()
      await compose("stop", "web")
      // It ended with 0, as a service does that has done its work; but it was told to end.
      await eventually(states).toContain("web-1 exited 0")
      if (own === undefined) throw new Error("There is no web")
      // The list of the engine may be behind it; this is what it said before.
      const { state: _state, ...stopped } = own.container
      expect(await onEngine((docker) => withStopped(docker, own.container))).toEqual({
        ...stopped,
        state: "exited",
        exitCode: 0
      })
      expect(await status()).toEqual({ status: "partial", missing: ["web"], done: ["init", "seed"] })
      const events = await onEngine((docker) =>
        projectEvents(docker, name, { since, until: new Date() }).pipe(
          Stream.filter(({ action }) => !action.startsWith("exec_") && !action.startsWith("health_status")),
          Stream.map(({ action, service }) => `${service} ${action}`),
          Stream.runCollect
        )
      )
      expect(Array.from(events).toSorted()).toEqual(["web die", "web kill", "web stop"])

      await compose("start", "web")
      expect(await status()).toMatchObject({ status: "up" })
      await compose("run", "--detach", "seed", "sleep", "60")
      expect(await states()).toHaveLength(5)
      expect(await status()).toMatchObject({ status: "up" })
      await compose("stop", "--timeout", "1")
      // The engine answers a stop before its list shows it.
      await eventually(status).toEqual({ status: "down", missing: ["web", "db"], done: ["init", "seed"] })

      const left = await onEngine((docker) => projectLeft(docker, name))
      expect(left).toMatchObject({ networks: [`${name}_default`], volumes: [`${name}_data`] })
      expect(describeLeft(left)).toContain(`${name}-web-1 (exited)`)
      await compose("down", "--volumes", "--remove-orphans")
      expect(await status()).toEqual(down)
      expect(describeLeft(await onEngine((docker) => projectLeft(docker, name)))).toBe("nothing is left")
      expect((await onEngine(listProjects)).some((project) => project.name === name)).toBe(false)
    }))

  it("names the services that failed", async () => {
    const port = await freePort()
    const failing = `
services:
  blocker: { image: busybox, command: ${lasting}, ports: ["127.0.0.1:${port}:80"] }
  blocked: { image: busybox, command: ${lasting}, ports: ["127.0.0.1:${port}:80"], depends_on: [blocker, broken] }
  broken: { image: busybox, command: [sh, -c, exit 4] }
  fine: { image: busybox, command: ["true"] }
`
    await withProject(failing, async ({ failing, name }) => {
      expect(await failing("up", "--detach")).toContain("port is already allocated")
      const failures = () => onEngine((docker) => serviceFailures(docker, name))
      await eventually(async () => (await failures()).length).toBe(2)
      const error = expect.stringContaining("port is already allocated")
      expect(await failures()).toMatchObject([
        { service: "blocked", name: `${name}-blocked-1`, reason: "NotStarted", error },
        { service: "broken", name: `${name}-broken-1`, reason: "Exited", exitCode: 4, error: "" }
      ])
      const services = ["blocker", "blocked", "broken"].map((service) => ({ service }))
      expect(await onEngine((docker) => projectStatus(docker, name, services))).toEqual({
        status: "partial",
        missing: ["blocked", "broken"],
        done: []
      })
      // A code from before is no failure of a later command.
      const later = new Date(Date.now() + 60_000).toISOString()
      const since = await onEngine((docker) => serviceFailures(docker, name, later))
      expect(since).toMatchObject([{ service: "blocked" }])
    })
  })
})
