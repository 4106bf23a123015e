/**
 * Pulls an image, as `docker pull` does, and prints its id. Shows bars on a terminal, and lines elsewhere:
 *
 *     tsx pull-progress.ts IMAGE [PLATFORM]
 */
import { Docker, Images, Operation, RegistryAuth } from "@dockwire/core"
import { Effect, Layer } from "effect"
import { layerProgress } from "./progressBars.js"

const [image = "busybox:latest", platform] = process.argv.slice(2)

const program = Effect.gen(function* () {
  const images = yield* Images
  return yield* Operation.run(images.pull(image, platform === undefined ? {} : { platform }))
}).pipe(
  Effect.match({
    onSuccess: ({ id }) => console.log(id),
    onFailure: ({ message }) => {
      console.error(message)
      process.exitCode = 1
    }
  })
)

const live = Images.layer.pipe(
  Layer.provide([Docker.layerConfig, RegistryAuth.layerConfig]),
  Layer.merge(layerProgress)
)

await Effect.runPromise(program.pipe(Effect.provide(live)))
