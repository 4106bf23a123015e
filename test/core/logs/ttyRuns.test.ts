import { type FollowElement, Logs } from "@dockwire/core"
import * as Effect from "effect/Effect"
import { expect, it, onTestFinished } from "vitest"
import { engineCall } from "../../engine/engineRequest.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { createTestContainer } from "../../engine/testContainer.js"
import { collectBatches, runCore } from "../runCore.js"
import { followed } from "./followed.js"

/**
 * Prints lines with timestamps as the engine writes them, of which some have passed when the next run starts, and ends within
 * a line. A container that is started again keeps its files.
 */
const program = `
  run=$(($(cat /run 2>/dev/null || echo 0) + 1)); echo $run > /run
  at() { date -u -d @$(($(date +%s) + $1)) +%Y-%m-%dT%H:%M:%S.000000000Z; }
  echo "run $run, next at 2030-01-01T00:00:00.000000000Z with 3 retries" | tee -a /printed
  echo "run $run, before at $(at -60) and $(at 0) and 2001-01-01T00:00:00.123456789Z " | tee -a /printed
  echo "run $run, soon at $(at 1) and $(at 2) and later" | tee -a /printed
  printf "run $run, prompt until $(at 1) and $(at 2) > " | tee -a /printed; echo >> /printed
  [ $run = 3 ] && { echo | tee -a /printed; exec sleep 600; }
  sleep 2.2`

const texts = (elements: ReadonlyArray<FollowElement>) =>
  elements.flatMap((element) => (element._tag === "LogLine" ? [element.text] : []))

describeEngine("the log of a container with a TTY", () => {
  it("has exactly the lines that its runs printed, whatever timestamps they print", { timeout: 60_000 }, async () => {
    const { endpoint } = testEngine()
    const container = await createTestContainer({ endpoint, cmd: ["sh", "-c", program], tty: true })
    onTestFinished(container.remove)
    const live = followed(endpoint, container.id)
    onTestFinished(live.stop)
    for (let run = 1; run <= 3; run++) {
      await container.start()
      // A run's last line is complete when the run is over, and in the third one it has a newline.
      await live.until((elements) => texts(elements).length === 4 * run)
      if (run < 3) await container.wait()
    }
    const printed = texts(live.elements)
    const shape = printed.map((text) => /^run (\d), (\w+)/.exec(text)?.slice(1).join(" "))
    expect(shape).toEqual(
      [1, 2, 3].flatMap((run) => ["next", "before", "soon", "prompt"].map((word) => `${run} ${word}`))
    )
    const exec = await engineCall(endpoint, "GET", `/containers/${container.id}/archive?path=/printed`)
    expect(printed).toEqual(exec.body.toString("latin1", 512).split("\n").slice(0, 12))

    // Read when all runs are there, and followed on from each of its lines.
    const read = await runCore(
      endpoint,
      Effect.flatMap(Logs, (logs) => collectBatches(logs.readBatches(container.id)))
    )
    expect(read.map((line) => line.text)).toEqual(printed)
    const lines = live.elements.filter((element) => element._tag === "LogLine")
    for (const [index, { position }] of lines.entries()) {
      const rest = followed(endpoint, container.id, { position })
      await rest.until((elements) => texts(elements).at(-1) === printed.at(-1) || index === lines.length - 1)
      await rest.stop()
      expect(texts(rest.elements), `after line ${index}`).toEqual(printed.slice(index + 1))
    }
  })
})
