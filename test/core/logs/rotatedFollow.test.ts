import * as Effect from "effect/Effect"
import { expect, it } from "vitest"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { isWhole } from "../../whole/isWhole.js"
import { followRotated, type RotatedLog, startLoad, summary } from "./rotatedFollow.js"

const small = { driver: "json-file", bursts: 6, linesPerBurst: 40, pause: 0.05 } as const
const medium = { ...small, linesPerBurst: 400 } as const
const large = { driver: "json-file", bursts: 1, linesPerBurst: 20_000, pause: 0.05 } as const

/** Logs of which a burst fills one file, or several. */
const logs: ReadonlyArray<RotatedLog> = [
  { ...small, maxSize: "2k", maxFile: 1 },
  { ...small, maxSize: "2k", maxFile: 3 },
  { ...medium, maxSize: "20k", maxFile: 1 },
  { ...medium, maxSize: "20k", maxFile: 3, bothStreams: true },
  { ...large, maxSize: "1m", maxFile: 1 },
  { ...large, maxSize: "1m", maxFile: 3, compress: true },
  { ...large, maxSize: "10m", maxFile: 3 },
  { ...medium, driver: "local", maxSize: "20k", maxFile: 1 },
  { ...large, driver: "local", maxSize: "1m", maxFile: 3, bothStreams: true }
]

/** One of each kind at least. */
const some = logs.filter(
  ({ bothStreams = false, compress = false, maxSize }) => maxSize === "2k" || bothStreams || compress
)

describeEngine("a follow of a log that rotates, beside two busy processes", () => {
  it("misses no line that the engine still has, repeats none, and marks each hole", { timeout: 120_000 }, async () => {
    const { endpoint } = testEngine()
    const stopLoad = startLoad()
    try {
      await Effect.runPromise(
        Effect.forEach(
          isWhole ? logs : some,
          (log) =>
            Effect.promise(async () => {
              const result = await followRotated(endpoint, log)
              console.log(summary(log, result))
              expect(result.faults, summary(log, result)).toEqual([])
            }),
          { concurrency: 3 }
        )
      )
    } finally {
      stopLoad()
    }
  })
})
