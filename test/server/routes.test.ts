import { Docker, Logs } from "@dockwire/core"
import { Hub } from "@dockwire/server"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { expect, it } from "vitest"
import { toHub, toTest } from "../../packages/server/examples/one-program-three-routes.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { startTestContainer } from "../engine/testContainer.js"
import { bundleExamples } from "../packages/exampleRuns.js"

describeEngine("one program with three routes", () => {
  it("sends the same lines to the console, to a hub and to a test", async () => {
    const { endpoint } = testEngine()
    const made = await startTestContainer({
      endpoint,
      cmd: ["sh", "-c", "for i in 1 2 3 4 5; do echo route $i; usleep 50000; done"]
    })
    const examples = await bundleExamples(["one-program-three-routes.ts"], {}, "server")
    const routes = ["route 1", "route 2", "route 3", "route 4", "route 5"]
    try {
      const engine = Logs.layer.pipe(Layer.provide(Docker.layer({ endpoint })))
      const events = await Effect.runPromise(toTest(made.id).pipe(Effect.provide(engine)))
      expect(events.map((event) => (event._tag === "LogLine" ? event.text : event._tag))).toEqual(routes)

      const ring = await Effect.runPromise(
        Effect.gen(function* () {
          yield* toHub(made.id)
          const ring = (yield* Hub).ring(`container_logs_${made.id}`)
          return Array.from({ length: ring.seq }, (_, index) => ring.at(index + 1)?.json)
        }).pipe(Effect.provide(Layer.merge(engine, Hub.layer)))
      )
      expect(ring.map((json) => JSON.parse(json ?? "[]")[2])).toEqual(routes)

      const { code, stderr, stdout } = await examples.elsewhere("one-program-three-routes.ts", made.id).ended
      expect(code, stderr).toBe(0)
      const lines = stdout.trimEnd().split("\n")
      expect(lines.slice(0, 5).map((line) => line.slice(line.indexOf("route")))).toEqual(routes)
      expect(lines.slice(5).join("\n")).toMatch(/^The hub sent 5 lines in \d frames\nThe test saw 5 events$/)
    } finally {
      await Promise.all([made.remove(), examples.remove()])
    }
  })
})
