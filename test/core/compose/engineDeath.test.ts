import { Operation } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import { afterAll, beforeAll, expect, it } from "vitest"
import { describeCompose } from "../../engine/describeCompose.js"
import { type KillableEngine, startKillableEngine } from "../../engine/killableEngine.js"
import { isWhole } from "../../whole/isWhole.js"
import { describeKillableEngine } from "../../engine/realEngine.js"
import { testProjectName } from "../../engine/testRun.js"
import { writeProject } from "./projectFiles.js"
import { onCompose } from "./runCompose.js"

describeKillableEngine("an engine that is killed during up", () => {
  for (const edition of isWhole ? (["2.26", "2.40"] as const) : (["2.26"] as const)) {
    describeCompose(edition, "is a failure", (compose) => {
      let engine: KillableEngine
      beforeAll(async () => {
        engine = await startKillableEngine({ name: "compose" })
      }, 120_000)
      afterAll(() => engine.dispose())

      it("within ten seconds, in one last event", async () => {
        const directory = await writeProject(compose().folder, "killed", {
          "compose.yaml": `services:
  web: { image: busybox, command: sleep 600, network_mode: none, depends_on: { db: { condition: service_healthy } } }
  db:
    image: busybox
    command: sleep 600
    network_mode: none
    healthcheck: { test: "false", interval: 1s, retries: 1000 }
`
        })
        await onCompose(compose(), { endpoint: engine.endpoint }, (service) =>
          Effect.scoped(
            Effect.gen(function* () {
              const run = yield* Operation.start(service.up({ directory, name: testProjectName("killed") }))
              yield* run.events.pipe(
                Stream.takeUntil((event) => event._tag === "OperationProgress" && event.status === "Waiting"),
                Stream.runDrain
              )
              yield* Effect.promise(() => engine.kill())
              const start = performance.now()
              const exit = yield* Effect.exit(run.result)
              expect(performance.now() - start).toBeLessThan(10_000)
              expect(exit).toMatchObject(Exit.fail({ _tag: "EngineUnavailable", endpoint: engine.endpoint }))
              const events = [...(yield* Stream.runCollect(run.events))]
              expect(events.filter(({ _tag }) => /Completed|Failed|Interrupted/.test(_tag))).toHaveLength(1)
              expect(events.at(-1)).toMatchObject({ _tag: "OperationFailed" })
            })
          )
        )
      })
    })
  }
})
