/** The demo's cache: a quiet one, in the format of Redis. */
import { type MemoryProgram, ProgramStep } from "@dockwire/core/MemoryEngine"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { pause } from "./chance.js"
import type { Site } from "./site.js"
import { first, forever, now } from "./steps.js"
import { usage } from "./usage.js"

/** The image of the demo's cache. */
export const image = "redis:7-alpine"

const said = (role: "M" | "C", pid: number, text: string) =>
  Effect.map(now, (date) => {
    const [, , day = "", month = "", year = "", time = ""] =
      / ?(\w+), (\d+) (\w+) (\d+) ([\d:]+)/.exec(date.toUTCString()) ?? []
    const millis = String(date.getUTCMilliseconds()).padStart(3, "0")
    return ProgramStep.line(`${pid}:${role} ${day} ${month} ${year} ${time}.${millis} ${text}`)
  })

const starting = Effect.all([
  said("C", 1, "* oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo"),
  said("C", 1, "* Redis version=7.4.2, bits=64, commit=00000000, modified=0, pid=1, just started"),
  said("M", 1, "* Running mode=standalone, port=6379."),
  said("M", 1, "* Server initialized"),
  said("M", 1, "* DB loaded from disk: 0.004 seconds"),
  said("M", 1, "* Ready to accept connections tcp")
])

const saves = (): Stream.Stream<ProgramStep> => {
  let pid = 20
  return forever(
    Effect.gen(function* () {
      yield* pause(25_000, 60_000)
      pid++
      const changes = yield* Random.nextIntBetween(100, 180)
      return [
        yield* said("M", 1, `* ${changes} changes in 60 seconds. Saving...`),
        yield* said("M", 1, `* Background saving started by pid ${pid}`),
        yield* said("C", pid, "* DB saved on disk"),
        yield* said("M", 1, "* Background saving terminated with success")
      ]
    })
  )
}

const stopping = first(
  Effect.gen(function* () {
    return [
      yield* said("M", 1, "# User requested shutdown..."),
      yield* said("M", 1, "* Saving the final RDB snapshot before exiting."),
      yield* said("M", 1, "# Redis is now ready to exit, bye bye..."),
      ProgramStep.exit(0)
    ]
  })
)

/** What it runs. */
export const cache = (site: Site): MemoryProgram => ({
  image,
  run: () => site.runs("cache", Stream.concat(first(starting), Stream.suspend(saves))),
  signals: { SIGINT: () => stopping, SIGTERM: () => stopping },
  usage: usage({ processor: 0.012, memory: 9e6, received: 14e3, sent: 33e3, written: 2e3, wave: 47 })
})
