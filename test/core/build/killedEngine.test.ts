import { isOperationEnded } from "@dockwire/core"
import { afterEach, expect, it } from "vitest"
import { type KillableEngine, startKillableEngine } from "../../engine/killableEngine.js"
import { describeKillableEngine } from "../../engine/realEngine.js"
import { runBuild } from "./runBuild.js"

describeKillableEngine("a build whose engine is killed", () => {
  let engine: KillableEngine | undefined
  afterEach(() => engine?.dispose(), 60_000)

  it("fails at once as lost, with one last event", { timeout: 180_000 }, async () => {
    const made = await startKillableEngine({ name: "build" })
    engine = made
    for (const isClassic of [false, true]) {
      await made.start()
      let killedAt = 0
      const text = "FROM busybox\nRUN echo running; sleep 600\n"
      const failed = await runBuild(
        { dockerfile: { text }, noCache: true },
        {
          endpoint: made.endpoint,
          isClassic,
          onEvent: (event) => {
            if (event._tag !== "OperationLine" || event.text !== "running") return
            killedAt = performance.now()
            void made.kill()
          }
        }
      )
      const took = performance.now() - killedAt
      expect(failed.failure()).toMatchObject({ _tag: "EngineUnavailable", reason: "Lost", endpoint: made.endpoint })
      expect(killedAt).toBeGreaterThan(0)
      expect(took).toBeLessThan(2_000)
      expect(failed.events.filter(isOperationEnded).map(({ _tag }) => _tag)).toEqual(["OperationFailed"])
      expect(failed.events.at(-1)?._tag).toBe("OperationFailed")
      await made.kill()
    }
  })
})
