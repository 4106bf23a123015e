/** The demo's mailer, which crashes: it loses its connection about every half minute, exits with code 1 and is restarted. */
import { type MemoryProgram, ProgramStep } from "@dockwire/core/MemoryEngine"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { sleepBetween } from "./chance.js"
import type { Site } from "./site.js"
import { runOnce, currentDate } from "./steps.js"
import { oscillatingUsage } from "./usage.js"

/** The image of the demo's mailer. */
export const image = "shop/mailer:0.9.3"

const logLine = (text: string, stream: "stdout" | "stderr" = "stdout") =>
  Effect.map(currentDate, (date) =>
    ProgramStep.line(`${date.toISOString().slice(0, 19).replace("T", " ")} mailer: ${text}`, stream)
  )

const startup = Effect.all([
  logLine("version 0.9.3"),
  logLine("connecting to smtp.example:587"),
  logLine("connected, STARTTLS ok, 250 8BITMIME")
])

const sendMail = Effect.gen(function* () {
  yield* sleepBetween(2_000, 5_500)
  const [number, millis] = [yield* Random.nextIntBetween(10_400, 10_990), yield* Random.nextIntBetween(80, 700)]
  return yield* logLine(`order ${number}: confirmation sent in ${millis} ms`)
})

const crash = Effect.gen(function* () {
  yield* sleepBetween(1_000, 4_000)
  return [
    yield* logLine("smtp.example:587: 421 4.7.0 too many connections from this host", "stderr"),
    yield* logLine("fatal: connection lost with 3 messages unsent", "stderr"),
    ProgramStep.exit(1)
  ]
})

/** The program of the mailer. */
export const mailer = (site: Site): MemoryProgram => ({
  image,
  run: () => {
    const mails = Stream.unwrap(
      Effect.map(Random.nextIntBetween(5, 9), (count) => Stream.take(Stream.repeatEffect(sendMail), count))
    )
    const steps = runOnce(startup).pipe(Stream.concat(mails), Stream.concat(runOnce(crash)))
    return site.track("mailer", steps)
  },
  usage: oscillatingUsage({ cpu: 0.008, memory: 31e6, received: 700, sent: 2_800, period: 19 })
})
