/** Builds an image from a folder, and reports what that took this process. */
import { Docker, Images, LogSink, Operation, RegistryAuth } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { monitorEventLoopDelay } from "node:perf_hooks"

const [endpoint = "", context = "", dockerfile = "", builtBefore] = process.argv.slice(2)

const live = Layer.merge(
  Images.layer.pipe(Layer.provide([Docker.layer({ endpoint }), RegistryAuth.layer()])),
  LogSink.layerNone
)

const program = Effect.gen(function* () {
  const images = yield* Images
  // Node runs code that it has not run before several times slower.
  if (builtBefore !== undefined) {
    for (let build = 0; build < 3; build++) yield* Operation.run(images.build({ context: builtBefore }))
  }
  const pauses = monitorEventLoopDelay({ resolution: 2 })
  pauses.enable()
  const started = performance.now()
  const cpuBefore = process.cpuUsage()
  yield* Operation.run(images.build({ context, dockerfile }))
  const { system, user } = process.cpuUsage(cpuBefore)
  return {
    seconds: (performance.now() - started) / 1000,
    cpuSeconds: (system + user) / 1e6,
    megabytes: process.resourceUsage().maxRSS / 1024,
    pause: pauses.percentile(99.9) / 1e6
  }
})

const result = await Effect.runPromise(Effect.provide(program, live))
process.stdout.write(`${JSON.stringify(result)}\n`)
// Connections that are kept alive would keep the process running.
process.exit(0)
