/** Pulls an image and reports the seconds and the CPU seconds that it took. */
import { Docker, Images, LogSink, Operation, RegistryAuth } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const [endpoint = "", image = ""] = process.argv.slice(2)

const live = Layer.merge(
  Images.layer.pipe(Layer.provide([Docker.layer({ endpoint }), RegistryAuth.layer()])),
  LogSink.layerNone
)

const program = Effect.gen(function* () {
  const images = yield* Images
  const started = performance.now()
  const cpuBefore = process.cpuUsage()
  yield* Operation.run(images.pull(image))
  const { system, user } = process.cpuUsage(cpuBefore)
  return { seconds: (performance.now() - started) / 1000, cpuSeconds: (system + user) / 1e6 }
})

const result = await Effect.runPromise(Effect.provide(program, live))
process.stdout.write(`${JSON.stringify(result)}\n`)
// Connections that are kept alive would keep the process running.
process.exit(0)
