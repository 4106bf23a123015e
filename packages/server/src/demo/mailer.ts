/** The demo's trouble: it loses its connection every half minute, ends with code 1, and is restarted. */
import { type MemoryProgram, ProgramStep } from "@dockwire/core/MemoryEngine"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { pause } from "./chance.js"
import type { Site } from "./site.js"
import { first, now } from "./steps.js"
import { usage } from "./usage.js"

/** The image of the demo's mailer. */
export const image = "shop/mailer:0.9.3"

const said = (text: string, stream: "stdout" | "stderr" = "stdout") =>
  Effect.map(now, (date) =>
    ProgramStep.line(`${date.toISOString().slice(0, 19).replace("T", " ")} mailer: ${text}`, stream)
  )

const starting = Effect.all([
  said("version 0.9.3"),
  said("connecting to smtp.example:587"),
  said("connected, STARTTLS ok, 250 8BITMIME")
])

const sent = Effect.gen(function* () {
  yield* pause(2_000, 5_500)
  const [number, millis] = [yield* Random.nextIntBetween(10_400, 10_990), yield* Random.nextIntBetween(80, 700)]
  return yield* said(`order ${number}: confirmation sent in ${millis} ms`)
})

const breaking = Effect.gen(function* () {
  yield* pause(1_000, 4_000)
  return [
    yield* said("smtp.example:587: 421 4.7.0 too many connections from this host", "stderr"),
    yield* said("fatal: connection lost with 3 messages unsent", "stderr"),
    ProgramStep.exit(1)
  ]
})

/** What it runs. */
export const mailer = (site: Site): MemoryProgram => ({
  image,
  run: () => {
    const some = Stream.unwrap(
      Effect.map(Random.nextIntBetween(5, 9), (count) => Stream.take(Stream.repeatEffect(sent), count))
    )
    const steps = first(starting).pipe(Stream.concat(some), Stream.concat(first(breaking)))
    return site.runs("mailer", steps)
  },
  usage: usage({ processor: 0.008, memory: 31e6, received: 700, sent: 2_800, wave: 19 })
})
