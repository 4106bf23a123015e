import { Docker } from "@dockwire/core"
import * as Effect from "effect/Effect"
import { expect, it, onTestFinished } from "vitest"
import { DeliveryTracker } from "../../../packages/core/src/internal/logs/deliveryTracker.js"
import { LogDecoder } from "../../../packages/core/src/internal/logs/logDecoder.js"
import { LogScanner } from "../../../packages/core/src/internal/watch/follow/logScanner.js"
import { engineCall } from "../../engine/engineRequest.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { startTestContainer } from "../../engine/testContainer.js"
import { runCore } from "../runCore.js"

/** Lines of all lengths around those at which a byte of the length is no longer ASCII, some with other characters. */
const program = `awk 'BEGIN { s = "\\303\\251"; for (n = 1; n <= 24; n++) {
  print "line " n " " s; s = s (n % 3 == 0 ? "\\342\\202\\254 and more text" : " as text")
  fflush() } }'`

describeEngine("the records that a log has after the last delivered one", () => {
  it.each([
    ["json-file", false],
    ["json-file", true],
    ["local", false]
  ] as const)("are counted by the engine, with %s, with a TTY: %s", async (driver, tty) => {
    const { endpoint } = testEngine()
    // Records of several files.
    const logConfig = { Type: driver, Config: { "max-size": "2k", "max-file": "9", compress: "false" } }
    const container = await startTestContainer({ endpoint, cmd: ["sh", "-c", program], tty, logConfig })
    onTestFinished(container.remove)
    await container.wait()
    const { body } = await engineCall(
      endpoint,
      "GET",
      `/containers/${container.id}/logs?stdout=1&stderr=1&timestamps=1`
    )
    const trackers: Array<DeliveryTracker> = []
    const decoder = new LogDecoder(tty, false, {
      record: (stream, timestamp, bytes, start, end) => {
        const tracker = new DeliveryTracker(container.id, undefined)
        tracker.begin("next")
        tracker.record(stream, timestamp, bytes, start, end, false)
        trackers.push(tracker)
        return -1
      },
      line: () => {},
      engineError: (message) => expect.fail(message),
      malformed: (detail) => expect.fail(detail)
    })
    decoder.push(body)
    decoder.end()
    expect(trackers.length).toBe(24)
    const counts = await runCore(
      endpoint,
      Effect.flatMap(Docker, (docker) =>
        Effect.forEach(trackers, (tracker, index) => {
          const scanner = new LogScanner(docker, tracker, tty)
          const following = trackers.length - 1 - index
          return Effect.forEach([following - 1, following, following + 5], (count) =>
            count < 0 ? Effect.succeed(false) : scanner.hasAtMostAfterAnchor(count)
          )
        })
      )
    )
    expect(counts).toEqual(trackers.map(() => [false, true, true]))
  })
})
