import { it } from "vitest"
import { startCuttingProxy } from "../engine/cuttingProxy.js"
import { describeEngine, testEngine } from "../engine/realEngine.js"
import { startTestContainer } from "../engine/testContainer.js"
import { followed } from "./followed.js"
import { randomness } from "./randomness.js"

const lines = 9_000
const long = 30_000

/** Numbered lines on both streams, each 400th of a length that the engine cuts in records. */
const program = (filler: string) => `BEGIN {
  filler = sprintf("%${long}s", ""); gsub(/ /, "${filler}", filler)
  for (i = 1; i <= ${lines}; i++) {
    text = "line " i " 🚀" (i % 400 == 0 ? filler : "")
    print text; fflush()
    print text > "/dev/stderr"
    if (i % 200 == 0) system("sleep 0.05")
  }
}`

/** The first line that is not what was written: thousands of lines make no readable difference. */
const firstDifference = (got: ReadonlyArray<string>, filler: string): string | undefined => {
  for (let number = 1; number <= lines; number++) {
    const text = got[number - 1]
    if (text === `line ${number} 🚀${number % 400 === 0 ? filler.repeat(long) : ""}`) continue
    return `${got.length} lines, the ${number}th: ${text?.slice(0, 40)} (${text?.length})`
  }
  return got.length === lines ? undefined : `${got.length} lines`
}

describeEngine("a follow whose connections are cut at random bytes", () => {
  it.concurrent.for([
    // It keeps text, so that the engine itself spoils a character which it cuts at 16 KiB.
    ["json-file", "x", false],
    ["local", "é", true]
  ] as const)(
    "gives every line of two streams once and whole (driver %s)",
    { timeout: 90_000 },
    async ([driver, filler, alsoOthers], { expect, onTestFinished }) => {
      const random = randomness(`cuts with ${driver}`)
      const { endpoint } = testEngine()
      const container = await startTestContainer({
        endpoint,
        cmd: ["awk", program(filler)],
        logConfig: { Type: driver }
      })
      onTestFinished(container.remove)
      const proxy = await startCuttingProxy(endpoint, {
        cutAfter: (request) => {
          // The end takes several whole reads in a row, for which chance would need too long.
          if (proxy.cuts() >= 120) return undefined
          // Most are short, and end in the answer's head, in headers of frames, in characters. A line comes when it fits in one.
          if (request.includes("/logs?")) {
            return random.between(1, 4) === 1
              ? random.between(30_000, long * Buffer.byteLength(filler) + 70_000)
              : Math.floor(2 ** (random.between(0, 1_500) / 100))
          }
          return alsoOthers && random.between(1, 10) === 1 ? random.between(0, 400) : undefined
        }
      })
      onTestFinished(proxy.close)
      const log = followed(proxy.endpoint, container.id)
      onTestFinished(log.stop)
      await log.until((elements) => elements.some((element) => element._tag === "LogMark"))
      const texts = (stream: "stdout" | "stderr") =>
        log.elements.flatMap((element) =>
          element._tag === "LogLine" && element.stream === stream ? [element.text] : []
        )
      console.log(`cuts with ${driver}: ${proxy.cuts()} cuts, ${log.elements.length} elements, seed ${random.seed}`)
      expect(firstDifference(texts("stdout"), filler), `stdout, seed ${random.seed}`).toBeUndefined()
      expect(firstDifference(texts("stderr"), filler), `stderr, seed ${random.seed}`).toBeUndefined()
      expect(log.shown().filter((text) => text.startsWith("<"))).toEqual(["<stopped 0>"])
      expect(proxy.cuts()).toBeGreaterThan(100)
    }
  )
})
