/** The demo's cache, which logs a little, in the format of Redis. */
import { type MemoryProgram, ProgramStep } from "@dockwire/core/MemoryEngine"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { sleepBetween } from "./chance.js"
import type { Site } from "./site.js"
import { runOnce, runForever, currentDate } from "./steps.js"
import { oscillatingUsage } from "./usage.js"

/** The image of the demo's cache. */
export const image = "redis:7-alpine"

const logLine = (role: "M" | "C", pid: number, text: string) =>
  Effect.map(currentDate, (date) => {
    const [, , day = "", month = "", year = "", time = ""] =
      / ?(\w+), (\d+) (\w+) (\d+) ([\d:]+)/.exec(date.toUTCString()) ?? []
    const millis = String(date.getUTCMilliseconds()).padStart(3, "0")
    return ProgramStep.line(`${pid}:${role} ${day} ${month} ${year} ${time}.${millis} ${text}`)
  })

const startup = Effect.all([
  logLine("C", 1, "* oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo"),
  logLine("C", 1, "* Redis version=7.4.2, bits=64, commit=00000000, modified=0, pid=1, just started"),
  logLine("M", 1, "* Running mode=standalone, port=6379."),
  logLine("M", 1, "* Server initialized"),
  logLine("M", 1, "* DB loaded from disk: 0.004 seconds"),
  logLine("M", 1, "* Ready to accept connections tcp")
])

const saves = (): Stream.Stream<ProgramStep> => {
  let pid = 20
  return runForever(
    Effect.gen(function* () {
      yield* sleepBetween(25_000, 60_000)
      pid++
      const changes = yield* Random.nextIntBetween(100, 180)
      return [
        yield* logLine("M", 1, `* ${changes} changes in 60 seconds. Saving...`),
        yield* logLine("M", 1, `* Background saving started by pid ${pid}`),
        yield* logLine("C", pid, "* DB saved on disk"),
        yield* logLine("M", 1, "* Background saving terminated with success")
      ]
    })
  )
}

const shutdown = runOnce(
  Effect.gen(function* () {
    return [
      yield* logLine("M", 1, "# User requested shutdown..."),
      yield* logLine("M", 1, "* Saving the final RDB snapshot before exiting."),
      yield* logLine("M", 1, "# Redis is now ready to exit, bye bye..."),
      ProgramStep.exit(0)
    ]
  })
)

/** The program of the cache. */
export const cache = (site: Site): MemoryProgram => ({
  image,
  run: () => site.track("cache", Stream.concat(runOnce(startup), Stream.suspend(saves))),
  signals: { SIGINT: () => shutdown, SIGTERM: () => shutdown },
  usage: oscillatingUsage({ cpu: 0.012, memory: 9e6, received: 14e3, sent: 33e3, written: 2e3, period: 47 })
})
