import { it } from "vitest"
import { startCuttingProxy } from "../../engine/cuttingProxy.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { startTestContainer } from "../../engine/testContainer.js"
import { isWhole, roundsOf } from "../../whole/isWhole.js"
import { type Followed, followed } from "./followed.js"
import { randomness } from "./randomness.js"

const lines = isWhole ? 9_000 : 4_500
const cuts = isWhole ? 120 : 60
const long = 30_000

/** Numbered lines on both streams. Every 400th is so long that the engine splits it into records. */
const program = (filler: string) => `BEGIN {
  filler = sprintf("%${long}s", ""); gsub(/ /, "${filler}", filler)
  for (i = 1; i <= ${lines}; i++) {
    text = "line " i " 🚀" (i % 400 == 0 ? filler : "")
    print text; fflush()
    print text > "/dev/stderr"
    if (i % 200 == 0) system("sleep 0.05")
  }
}`

/** The first line that differs from what was written; a diff of thousands of lines is unreadable. */
const firstDifference = (got: ReadonlyArray<string>, filler: string): string | undefined => {
  for (let number = 1; number <= lines; number++) {
    const text = got[number - 1]
    if (text === `line ${number} 🚀${number % 400 === 0 ? filler.repeat(long) : ""}`) continue
    return `${got.length} lines, the ${number}th: ${text?.slice(0, 40)} (${text?.length})`
  }
  return got.length === lines ? undefined : `${got.length} lines`
}

/** The texts of one stream. */
const texts = ({ elements }: Followed, stream: "stdout" | "stderr") =>
  elements.flatMap((element) => (element._tag === "LogLine" && element.stream === stream ? [element.text] : []))

const chunks = 160

/** A line of 10 MiB with lines of the other stream between its pieces, and a last line after it. */
const longLine = `BEGIN {
  filler = sprintf("%65536s", ""); gsub(/ /, "x", filler)
  for (i = 1; i <= ${chunks}; i++) {
    printf "%s%d", filler, i; fflush()
    for (j = 1; j <= 3; j++) print "beside " i "." j > "/dev/stderr"
  }
  print ""; print "behind"
}`

describeEngine("a line of 10 MiB", () => {
  it("is resumed from each position within it, and positions stay short", async ({ expect, onTestFinished }) => {
    const random = randomness("a line of 10 MiB")
    const { endpoint } = testEngine()
    const container = await startTestContainer({ endpoint, cmd: ["awk", longLine] })
    onTestFinished(container.remove)
    await container.wait()
    const proxy = await startCuttingProxy(endpoint, {
      cutAfter: (request) =>
        // First at the point where all but one of the last thousand records belong to the line.
        request.includes("/logs?") && proxy.cuts() < 8
          ? proxy.cuts() === 0
            ? 500_000
            : random.between(100_000, 9_000_000)
          : undefined
    })
    onTestFinished(proxy.close)
    const all = async (position?: string) => {
      const log = followed(proxy.endpoint, container.id, position === undefined ? {} : { position })
      await log.until((elements) => elements.some((element) => element._tag === "LogMark"))
      await log.stop()
      return log
    }
    const whole = await all()
    const shown = whole.shown()
    expect(proxy.cuts()).toBe(8)
    const [long = ""] = texts(whole, "stdout").join("").split("behind")
    const written = Array.from({ length: chunks }, (_, index) => `${"x".repeat(65_536)}${index + 1}`).join("")
    expect(long.length).toBe(written.length)
    expect(long === written).toBe(true)
    expect(shown.filter((text) => text.startsWith("! beside ")).length).toBe(3 * chunks)
    expect(shown.at(-1)).toBe("<stopped 0>")
    const positions = whole.elements.map(({ position }) => position.toString())
    const longest = Math.max(...positions.map((text) => text.length))
    console.log(`a line of 10 MiB: positions of up to ${longest} characters, seed ${random.seed}`)
    expect(longest).toBeLessThan(16 * 1024)
    const parts = shown.flatMap((text, index) =>
      (isWhole ? / \[(1|2|6|10)\]$/ : / \[(1|10)\]$/).test(text) ? [index] : []
    )
    const others = Array.from({ length: roundsOf({ quick: 1, whole: 5 }) }, () => random.between(0, shown.length - 2))
    for (const index of [...parts, ...others]) {
      const rest = await all(positions[index])
      expect(rest.shown(), `behind element ${index}, seed ${random.seed}`).toEqual(shown.slice(index + 1))
      expect(rest.elements.every(({ position }) => position.toString().length < 16 * 1024)).toBe(true)
    }
  })
})

describeEngine("a follow whose connections are cut at random bytes", () => {
  it.concurrent.for([
    // json-file stores text, so the engine itself corrupts a character that it splits at 16 KiB.
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
          // The end needs several uncut reads in a row, which is too unlikely.
          if (proxy.cuts() >= cuts) return undefined
          // Most are short: within the response head, a frame header or a character. A line is delivered when it fits.
          if (request.includes("/logs?")) {
            return random.between(1, 4) === 1
              ? random.between(30_000, long * Buffer.byteLength(filler) + 70_000)
              : Math.floor(2 ** (random.between(0, 1_500) / 100))
          }
          // A follow fails if the engine is lost before it has begun.
          if (!alsoOthers || proxy.cuts() === 0) return undefined
          return random.between(1, 10) === 1 ? random.between(0, 400) : undefined
        }
      })
      onTestFinished(proxy.close)
      const log = followed(proxy.endpoint, container.id)
      onTestFinished(log.stop)
      await log.until((elements) => elements.some((element) => element._tag === "LogMark"))
      console.log(`cuts with ${driver}: ${proxy.cuts()} cuts, ${log.elements.length} elements, seed ${random.seed}`)
      expect(firstDifference(texts(log, "stdout"), filler), `stdout, seed ${random.seed}`).toBeUndefined()
      expect(firstDifference(texts(log, "stderr"), filler), `stderr, seed ${random.seed}`).toBeUndefined()
      expect(log.shown().filter((text) => text.startsWith("<"))).toEqual(["<stopped 0>"])
      expect(proxy.cuts()).toBeGreaterThan(cuts * 0.8)
    }
  )
})
