import { createServer } from "node:net"
import { afterAll, beforeAll, it } from "vitest"
import { describeCompose } from "../../engine/describeCompose.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { type RegistryFront, startRegistryFront } from "../../engine/registryFront.js"
import { isWhole } from "../../whole/isWhole.js"
import { type FailureChecker, failureChecker, startTakenContainer, type TakenContainer } from "./failureCheck.js"
import { engineRows, fileRows } from "./failureRows.js"

/** Failures that the newest compose words in its own way. Those of the engine are all run by the conformance command. */
const wordedByNewest =
  /build|external|secret|registry does not have|twice|not known|another type|size|of another server|itself|each other|variables that is a folder|not parse/

for (const edition of ["2.26", "2.40"] as const) {
  describeEngine("failures", () => {
    describeCompose(edition, "of the files", (compose) => {
      let checker: FailureChecker
      beforeAll(() => {
        checker = failureChecker(compose(), testEngine().endpoint)
      })
      afterAll(() => checker?.stop())

      for (const [title, row] of Object.entries(fileRows)) {
        if (edition === "2.40" && !isWhole && !wordedByNewest.test(title)) continue
        it.concurrent(title, () => checker.checkFiles(title, row))
      }
    })

    describeCompose(edition, "of where the engine should be", (compose) => {
      const title = "an engine that is not there"
      it.concurrent(title, async () => {
        const endpoint = `unix://${compose().folder}/none.sock`
        const files = { "compose.yaml": "services: { web: { image: busybox } }\n" }
        const checker = failureChecker(compose(), endpoint)
        await checker.checkFiles(title, { files, error: { _tag: "EngineUnavailable", endpoint } })
        await checker.stop()
      })
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

      it.concurrent("a port that a program of the host listens on", async () => {
        const server = createServer()
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
        const found = server.address()
        const address = `127.0.0.1:${typeof found === "object" ? found?.port : ""}`
        const files = {
          "compose.yaml": `services: { one: { image: busybox, command: sleep 600, stop_grace_period: 0s, ports: ["${address}:80"] } }\n`
        }
        const error = { _tag: "PortAllocated", containerId: "{name}-one-1", address }
        await checker.checkEngine("a port of the host", { files, error }, {})
        await new Promise((resolve) => server.close(resolve))
      })

      for (const [title, row] of Object.entries(engineRows)) {
        if (edition === "2.40" && !wordedByNewest.test(title)) continue
        it.concurrent(title, () =>
          checker.checkEngine(title, row, { host: front.host, port: taken.port, taken: taken.name })
        )
      }
    })
  })
}
