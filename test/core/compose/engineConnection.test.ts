import type { DockerOptions } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import { afterAll, beforeAll, expect, it } from "vitest"
import { describeCompose } from "../../engine/describeCompose.js"
import { describeKillableEngine } from "../../engine/realEngine.js"
import { testProjectName } from "../../engine/testRun.js"
import { startTlsEngine, type TlsEngine } from "../../engine/tlsEngine.js"
import { writeProject } from "./projectFiles.js"
import { errorOf, onCompose, ran } from "./runCompose.js"

describeKillableEngine("an engine over TLS", () => {
  describeCompose("2.26", "is that of compose too", (compose) => {
    let engine: TlsEngine
    beforeAll(async () => {
      engine = await startTlsEngine()
    }, 120_000)
    afterAll(() => engine.dispose())

    it("with its certificates, or without checking them", async () => {
      const name = testProjectName("tls")
      const directory = await writeProject(compose().folder, "tls", {
        "compose.yaml":
          "services: { web: { image: busybox, command: sleep 600, stop_grace_period: 0s, network_mode: none } }\n"
      })
      const { ca, client } = engine.certificates
      const tls = { ca, cert: client.cert, key: Redacted.make(client.key) }
      const endpoint = `tcp://127.0.0.1:${engine.port}`
      const up = (options: DockerOptions) =>
        onCompose(compose(), options, (service) => ran(Effect.succeed(service.up({ directory, name }))))
      expect(Exit.isSuccess((await up({ endpoint, tls })).exit)).toBe(true)
      const unchecked = await up({ endpoint: `https://127.0.0.1:${engine.port}`, tls: { ...tls, verify: false } })
      expect(Exit.isSuccess(unchecked.exit)).toBe(true)
      const { ca: _, ...own } = tls
      expect(errorOf(await up({ endpoint, tls: own }))).toMatchObject({
        _tag: "EngineUnavailable",
        reason: "PermissionDenied"
      })
      await onCompose(compose(), { endpoint, tls }, (service) => ran(Effect.succeed(service.down({ directory, name }))))
    })
  })
})
