import { afterAll, beforeAll, it } from "vitest"
import { describeCompose } from "../../engine/describeCompose.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { type RegistryFront, startRegistryFront } from "../../engine/registryFront.js"
import { type FailureChecker, failureChecker, startTakenContainer, type TakenContainer } from "./failureCheck.js"
import { engineRows, fileRows } from "./failureRows.js"

/** Failures that the newest compose words in its own way. The conformance command runs all of them. */
const wordedByNewest = /build|external|secret|registry does not have/

for (const edition of ["2.26", "2.40"] as const) {
  describeEngine("failures", () => {
    describeCompose(edition, "of the files", (compose) => {
      let checker: FailureChecker
      beforeAll(() => {
        checker = failureChecker(compose(), testEngine().endpoint)
      })
      afterAll(() => checker?.stop())

      for (const [title, row] of Object.entries(fileRows)) {
        it.concurrent(title, () => checker.checkFiles(title, row))
      }
    })

    describeCompose(edition, "of the engine", (compose) => {
      let checker: FailureChecker
      let front: RegistryFront
      let taken: TakenContainer

      beforeAll(async () => {
        checker = failureChecker(compose(), testEngine().endpoint)
        front = await startRegistryFront()
        taken = await startTakenContainer(testEngine().endpoint)
      })
      afterAll(() => Promise.all([checker?.stop(), front?.stop(), taken?.remove()]))

      for (const [title, row] of Object.entries(engineRows)) {
        if (edition === "2.40" && !wordedByNewest.test(title)) continue
        it.concurrent(title, () =>
          checker.checkEngine(title, row, { host: front.host, port: taken.port, taken: taken.name })
        )
      }
    })
  })
}
