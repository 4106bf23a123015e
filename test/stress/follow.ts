import { setTimeout as sleep } from "node:timers/promises"
import { followRotated, name, type RotatedLog, startLoad, summary } from "../core/logs/rotatedFollow.js"
import type { Stress } from "./Stress.js"

/** By the size of a file: lines of which a burst fills one or two files, and how many bursts. */
const sizes = [
  { maxSize: "2k", linesPerBurst: 40, bursts: 40 },
  { maxSize: "20k", linesPerBurst: 400, bursts: 25 },
  { maxSize: "1m", linesPerBurst: 12_000, bursts: 5 },
  { maxSize: "10m", linesPerBurst: 80_000, bursts: 2 }
] as const

/** Between bursts, in seconds: so short that a follower is behind, and long enough that it is not. */
const pauses = [0.02, 0.4] as const

/** Logs of which the follower knows how full their files are by the time of a burst. */
const steady: ReadonlyArray<RotatedLog> = [1, 3].flatMap((maxFile) =>
  [
    { maxSize: "20k", linesPerBurst: 600, bursts: 15, steadyLines: 600 },
    { maxSize: "1m", linesPerBurst: 20_000, bursts: 3, steadyLines: 15_000 }
  ].map((log): RotatedLog => ({ ...log, driver: "json-file", maxFile, pause: 0.1 }))
)

const bursts: ReadonlyArray<RotatedLog> = sizes.flatMap(({ linesPerBurst, maxSize, ...size }) =>
  [1, 3].flatMap((maxFile) =>
    (["json-file", "local"] as const).flatMap((driver) =>
      pauses.map((pause, index): RotatedLog => ({
        driver,
        maxSize,
        maxFile,
        bursts: size.bursts,
        linesPerBurst,
        pause,
        bothStreams: index === 1 && maxFile === 3,
        compress: index === 1 && maxSize === "1m" && maxFile > 1
      }))
    )
  )
)

const logs = [...steady, ...bursts]

/** Follows logs that rotate faster than they can be followed, beside two busy processes. */
export const follow: Stress = {
  name: "follow",
  title: "follows of logs that rotate, in bursts, beside two busy processes",
  run: async ({ endpoint, print, rounds }) => {
    const stopLoad = startLoad()
    let faulty = 0
    try {
      for (let round = 1; round <= rounds; round++) {
        for (const log of logs) {
          const { faults, text } = await followRotated(endpoint, log).then(
            (result) => ({ faults: result.faults, text: summary(log, result) }),
            // It did not get to the last line.
            (error: unknown) => ({ faults: [String(error)], text: name(log) })
          )
          print(`round ${round}: ${text}, pause ${log.pause} s`)
          for (const fault of faults) print(`  FAULT: ${fault}`)
          if (faults.length > 0) faulty++
          await sleep(100)
        }
      }
    } finally {
      stopLoad()
    }
    print(`${rounds * logs.length} follows, ${faulty} with faults`)
    return faulty === 0
  }
}
