import { Compose, Docker, LogSink, Operation, RegistryAuth } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { expect } from "vitest"
import { describeCompose } from "../../engine/describeCompose.js"
import { describeEngine, itEngine, testEngine } from "../../engine/realEngine.js"
import { testProjectName } from "../../engine/testRun.js"
import { writeProject } from "../compose/projectFiles.js"
import { runWith } from "../runWith.js"
import { lasting } from "./realProject.js"

const healthcheck = "healthcheck: { test: [CMD, 'true'], interval: 1s, start_period: 5s, start_interval: 100ms }"
const init = "init: { image: busybox, command: [sh, -c, 'echo migrated; sleep 0.3'] }"

describeEngine("what Compose tells of a project", () => {
  describeCompose("2.26", "by the engine", (compose) => {
    const live = () =>
      Compose.layerWith({ environment: compose().environment }).pipe(
        Layer.provideMerge(Docker.layer({ endpoint: testEngine().endpoint })),
        Layer.provide(RegistryAuth.layerConfig),
        Layer.merge(LogSink.layerTest)
      )

    itEngine("is the truth after each operation", async () => {
      const name = testProjectName("reads")
      const directory = await writeProject(compose().folder, "reads", {
        "compose.yaml": `
services:
  web: { image: busybox, init: true, command: ${lasting} }
  db: { image: busybox, init: true, command: ${lasting}, ${healthcheck} }
  ${init}
`
      })
      const project = { directory, name }
      await runWith(
        live(),
        Effect.gen(function* () {
          const compose = yield* Compose
          const since = new Date()
          const run = yield* Operation.start(compose.up(project, { wait: { timeout: "60 seconds" } }))
          const told: Array<string> = []
          yield* Stream.runForEach(run.events, (event) =>
            Effect.sync(() => event._tag === "OperationProgress" && told.push(`${event.id} ${event.status}`))
          )
          yield* run.result
          const ends = [`web-1 Running`, `db-1 Healthy`, `init-1 Exited`].map((end) => `container ${name}-${end}`)
          expect(told).toEqual(expect.arrayContaining(ends))

          const states = Effect.map(compose.ps(project), (containers) =>
            containers.map(({ service, state }) => `${service} ${state}`)
          )
          expect(yield* states).toEqual(["db running", "init exited", "web running"])
          expect(yield* compose.status(project)).toEqual({ status: "up", missing: [], done: ["init"] })
          // The name alone is enough for the engine.
          expect(yield* compose.status({ name }, { expected: "containers" })).toMatchObject({ status: "up" })
          expect(yield* compose.ls()).toContainEqual(expect.objectContaining({ name, workingDirectory: directory }))
          const lines = yield* Stream.runCollect(compose.logs(project))
          expect(Array.from(lines)).toMatchObject([
            { _tag: "LogLine", service: "init", container: `${name}-init-1`, text: "migrated" }
          ])
          const batches = yield* Stream.runCollect(compose.logsBatches(project, { services: ["web"] }))
          expect(Array.from(batches).flat()).toEqual([])
          const started = yield* compose.events(project, { since, until: new Date() }).pipe(
            Stream.filter(({ action }) => action === "start"),
            Stream.runCollect
          )
          expect(Array.from(started, ({ service }) => service).toSorted()).toEqual(["db", "init", "web"])

          yield* Operation.run(compose.stop(project, { services: ["web"], stopTimeout: "1 second" }))
          expect(yield* compose.status(project)).toEqual({ status: "partial", missing: ["web"], done: ["init"] })
          yield* Operation.run(compose.down(project, { stopTimeout: 0 }))
          expect(yield* compose.status(project)).toMatchObject({ status: "down", missing: ["db", "init", "web"] })
        }).pipe(
          Effect.ensuring(
            Effect.flatMap(Compose, (compose) =>
              Effect.ignore(Operation.run(compose.down(project, { stopTimeout: 0 })))
            )
          ),
          Effect.scoped
        )
      )
    })

    const failures = [
      ["crashes for ever", "[sh, -c, 'echo oops; exit 5'], restart: always", { reason: "Exited", exitCode: 5 }],
      ["ends with a code", "[sh, -c, 'echo oops; sleep 1; exit 3']", { reason: "Exited", exitCode: 3 }],
      [
        "is not ready in time",
        `${lasting}, healthcheck: { test: [CMD, 'false'], interval: 60s }`,
        { reason: "TimedOut" }
      ]
    ] as const
    for (const [title, command, expected] of failures) {
      itEngine(`is a failure of up if a service ${title}`, async () => {
        const name = testProjectName(`bad-${title.length}`)
        const directory = await writeProject(compose().folder, `bad-${title.length}`, {
          "compose.yaml": `services:\n  bad: { image: busybox, init: true, command: ${command} }\n`
        })
        const project = { directory, name }
        const end = await runWith(
          live(),
          Effect.flatMap(Compose, (compose) =>
            Effect.either(Operation.run(compose.up(project, { wait: { timeout: "5 seconds" } }))).pipe(
              Effect.ensuring(Effect.ignore(Operation.run(compose.down(project, { stopTimeout: 0 }))))
            )
          )
        )
        expect(end).toMatchObject(Either.left({ _tag: "ComposeFailed", service: "bad", ...expected }))
      })
    }
  })
})
