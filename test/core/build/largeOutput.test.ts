import { Docker, Images, LogSink, Operation, RegistryAuth } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { expect, it } from "vitest"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { uniqueName } from "../../engine/testContainer.js"
import { liveMemory } from "../liveMemory.js"
import { withoutSessions } from "./runBuild.js"

/** As events that are kept, these lines would take some 50 MB. */
const count = 200_000
/** More than the 2 MiB of a step that BuildKit passes on; then it passes on so much a second. */
const clippedCount = 4 * count
const maxMemory = 15_000_000

/** Builds a step that prints its lines, and remembers of them no more than how many there were, and the last one. */
const printed = async (isClassic: boolean) => {
  const seen = { lines: 0, last: "", clipped: 0, peak: 0 }
  let base = Number.POSITIVE_INFINITY
  const measure = () => {
    const now = liveMemory()
    base = Math.min(base, now)
    seen.peak = Math.max(seen.peak, now - base)
  }
  const sink = Layer.succeed(LogSink, {
    offer: (events) => {
      for (const event of events) {
        if (event._tag !== "OperationLine") continue
        if (/output clipped/.test(event.text)) seen.clipped++
        if (event.stream !== "stdout") continue
        seen.last = event.text
        if (seen.lines++ % 50_000 === 0) measure()
      }
    },
    flush: Effect.void
  })
  const docker = Docker.layer({ endpoint: testEngine().endpoint })
  const images = Images.layer.pipe(
    Layer.provide([isClassic ? Layer.provide(withoutSessions, docker) : docker, RegistryAuth.layer()])
  )
  const dockerfile = { text: `FROM busybox\nRUN : ${uniqueName()}; seq ${isClassic ? count : clippedCount}\n` }
  const program = Effect.gen(function* () {
    const { build, remove } = yield* Images
    const { id } = yield* Operation.run(build({ dockerfile }))
    yield* remove(id, { force: true })
  })
  await Effect.runPromise(Effect.provide(program, Layer.merge(images, sink)))
  return seen
}

describeEngine("a build step that prints many lines", () => {
  it("does so in little memory, and all of it arrives: the classic builder", async () => {
    const { clipped, last, lines, peak } = await printed(true)
    expect({ clipped, last, lines }).toEqual({ clipped: 0, last: String(count), lines: count })
    expect(peak).toBeLessThan(maxMemory)
  })

  it("does so in little memory, and it is said what BuildKit drops", async () => {
    const { clipped, lines, peak } = await printed(false)
    expect(clipped).toBeGreaterThan(0)
    expect(lines).toBeGreaterThan(1_000)
    expect(lines).toBeLessThan(clippedCount)
    expect(peak).toBeLessThan(maxMemory)
  })
})
