import { Images, LogSink, Operation } from "@dockwire/core"
import { Effect } from "effect"
import { expect } from "vitest"
import { busyboxImage } from "../../engine/busyboxImage.js"
import type { Bench } from "../bench.js"
import { failsWith, type Rows } from "../cell.js"

type ImagesShape = Effect.Effect.Success<typeof Images>

/** Runs a pull or a push. */
const run = <A, E>(use: (images: ImagesShape) => Operation<A, E>) =>
  Effect.provide(
    Effect.flatMap(Images, (images) => Operation.run(use(images))),
    LogSink.layerNone
  )

/** A reference to the registry of the bench, under which the engine has busybox until the scope closes. */
const tagged = (bench: Bench) =>
  Effect.gen(function* () {
    const name = `${yield* bench.registry}/${bench.name("transfer")}:1`
    const images = yield* Images
    yield* Effect.acquireRelease(images.tag(busyboxImage, name), () =>
      Effect.ignore(images.remove(name, { force: true }))
    )
    return name
  })

const digest = expect.stringMatching(/^sha256:[0-9a-f]{64}$/)

const nowhere = "127.0.0.1:1/dockwire:1"

const badReferences = (use: (images: ImagesShape, image: string) => Operation<unknown, unknown>) => () =>
  Effect.forEach(["", "UPPER", "a b", "a:"], (value) =>
    failsWith(
      run((images) => use(images, value)),
      "InvalidRequest",
      { field: "image", value }
    )
  )

/** The cells of `Images` that need a registry. */
export const imageTransferRows: Rows = {
  pull: {
    call: () => run((images) => images.pull(nowhere)),
    success: (bench) =>
      Effect.gen(function* () {
        const name = yield* tagged(bench)
        const images = yield* Images
        const pushed = yield* run(({ push }) => push(name))
        yield* images.remove(name)
        const pulled = yield* run(({ pull }) => pull(name))
        const { id } = yield* images.inspect(name)
        const digest = bench.expected("the digest of a pulled image", pushed.digest)
        expect(pulled).toMatchObject({ id, reference: name, updated: true })
        expect(pulled.digest).toEqual(digest)
        expect(yield* run(({ pull }) => pull(name))).toEqual({ ...pulled, updated: false })
      }),
    missing: (bench) =>
      Effect.gen(function* () {
        const registry = yield* bench.registry
        const image = `${registry}/${bench.name("nothing")}:1`
        yield* failsWith(
          run(({ pull }) => pull(image)),
          "ImageNotFound",
          { image, registry }
        )
      }),
    conflict: "a tag is taken from the image that has it",
    "bad input": badReferences((images, image) => images.pull(image))
  },
  push: {
    call: () => run((images) => images.push(nowhere)),
    success: (bench) =>
      Effect.gen(function* () {
        const name = yield* tagged(bench)
        const pushed = yield* run(({ push }) => push(name))
        expect(pushed).toEqual({ reference: name, digest })
        expect(yield* run(({ push }) => push(name))).toEqual(pushed)
      }),
    missing: (bench) =>
      Effect.gen(function* () {
        const image = `${yield* bench.registry}/${bench.name("nothing")}:1`
        yield* failsWith(
          run(({ push }) => push(image)),
          "ImageNotFound",
          { image }
        )
      }),
    conflict: "a tag in a registry is overwritten",
    "bad input": badReferences((images, image) => images.push(image))
  }
}
