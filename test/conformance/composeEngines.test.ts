import { ComposeFailure } from "@dockwire/core"
import { afterAll, beforeAll, expect, it } from "vitest"
import {
  type FailureChecker,
  failureChecker,
  startTakenContainer,
  type TakenContainer
} from "../core/compose/failureCheck.js"
import { engineRows, fileRows } from "../core/compose/failureRows.js"
import { describeCompose } from "../engine/describeCompose.js"
import { describeKillableEngine } from "../engine/realEngine.js"
import { settings } from "./outcomes.js"
import { type RealEngine, startRealEngine } from "./realEngines.js"

/** The engines whose words differ from those of the usual one, on which `npm test` tests compose. */
const others = ["28.5", "28.5-containerd"] as const

/** Reasons that no run of compose alone leads to. */
const elsewhere = ["NotInstalled", "Busy", "Unhealthy", "Exited", "TimedOut", "Failed"]

it("the failures that are tested have every reason of ComposeFailed", () => {
  const reasons = [...Object.values(fileRows), ...Object.values(engineRows)].map(({ error }) => error["reason"])
  for (const reason of ComposeFailure.literals) {
    if (!elsewhere.includes(reason)) expect(reasons).toContain(reason)
  }
})

const wanted = (process.env[settings.engines] ?? "").split(",")

for (const name of others.filter((other) => wanted.includes(other))) {
  describeKillableEngine(`failures of compose on ${name}`, () => {
    describeCompose("2.40", "are told by their reason", (compose) => {
      let engine: RealEngine
      let checker: FailureChecker
      let taken: TakenContainer
      const endpoint = () => {
        const options = engine.way(engine.target)
        return options.endpoint ?? ""
      }

      beforeAll(async () => {
        engine = await startRealEngine(name)
        checker = failureChecker(compose(), endpoint())
        taken = await startTakenContainer(endpoint())
      }, 300_000)
      afterAll(async () => {
        await checker?.stop()
        await taken?.remove()
        await engine?.stop()
      })

      for (const [title, row] of Object.entries(engineRows)) {
        it(title, () => checker.checkEngine(title, row, { host: engine.registry, port: taken.port, taken: taken.name }))
      }
    })
  })
}
