import { Containers, Images, LogSink, Operation, RegistryError } from "@dockwire/core"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { expect } from "vitest"
import { uniqueName } from "../../engine/testContainer.js"
import { testLabels } from "../../engine/testRun.js"
import { describeBothEngines } from "../bothEngines.js"
import { tarball, tarNames } from "../containers/tarball.js"

const base = "busybox:latest"

/** A name for an image, which is removed with the scope. */
const imageName = (word: string, registry = "") =>
  Effect.acquireRelease(
    Effect.sync(() => `${registry}${uniqueName(word)}:1`),
    (name) => Effect.ignore(Effect.flatMap(Images, (images) => images.remove(name, { force: true })))
  )

const run = <A, E>(operation: Operation<A, E>) => Effect.provide(Operation.run(operation), LogSink.layerNone)

describeBothEngines("images", {
  "have as many references as they are given, and are there until the last is removed": () =>
    Effect.gen(function* () {
      const images = yield* Images
      const [first, second] = [yield* imageName("first"), yield* imageName("second")]
      const changes = Object.entries(testLabels()).map(([key, value]) => `LABEL ${key}=${value}`)
      const archive = tarball([{ name: "file", content: first }])
      const id = yield* images.import(Stream.make(archive), { reference: first, changes, message: "a test" })
      yield* images.tag(first, second)
      expect((yield* images.inspect(second)).tags.toSorted()).toEqual([first, second].toSorted())
      const listed = yield* images.list({ filters: { reference: [first.replace(":1", ""), second.replace(":1", "")] } })
      expect(listed).toEqual([expect.objectContaining({ id, labels: testLabels(), size: listed[0]?.size })])
      expect(yield* images.history(id)).toEqual([expect.objectContaining({ id, comment: "a test" })])
      expect(yield* Effect.flip(images.remove(id))).toMatchObject({ _tag: "ResourceInUse", resource: id })
      expect(yield* images.remove(first)).toEqual({ untagged: [first], deleted: [] })
      const { deleted, untagged } = yield* images.remove(second)
      expect(untagged).toEqual([second])
      expect(deleted).toContain(id)
      expect(yield* Effect.flip(images.inspect(id))).toMatchObject({ _tag: "ImageNotFound", image: id })
    }),
  "are the same after they were saved and loaded": () =>
    Effect.gen(function* () {
      const images = yield* Images
      const name = yield* imageName("saved")
      yield* images.tag(base, name)
      const before = yield* images.inspect(name)
      const saved = Buffer.concat(Chunk.toReadonlyArray(yield* Stream.runCollect(images.save([name]))))
      expect(tarNames(saved).map(([file]) => file)).toContain("manifest.json")
      yield* images.remove(name)
      expect(yield* images.load(Stream.make(saved))).toEqual([name])
      const after = yield* images.inspect(name)
      expect(after).toMatchObject({ id: before.id, defaults: before.defaults, platform: before.platform })
    }),
  "are built with what the Dockerfile says, and their containers have it": () =>
    Effect.gen(function* () {
      const [containers, images] = [yield* Containers, yield* Images]
      const name = yield* imageName("built")
      const lines = ["ARG WHO", "ENV GREETING=hello", "LABEL who=$WHO", "WORKDIR /work", 'CMD ["echo", "hello"]']
      const built = yield* run(
        images.build({
          dockerfile: { text: [`FROM ${base}`, ...lines].join("\n") },
          buildArgs: { WHO: "you" },
          labels: testLabels(),
          tags: [name]
        })
      )
      const found = yield* images.inspect(name)
      expect(found).toMatchObject({
        id: built.id,
        tags: [name],
        defaults: {
          command: ["echo", "hello"],
          environment: { GREETING: "hello" },
          labels: { who: "you", ...testLabels() },
          workingDirectory: "/work"
        }
      })
      const { exitCode, stdout } = yield* containers.run({ image: name, labels: testLabels() })
      expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "hello\n" })
    }),
  "cannot be built from what is missing or wrong": () =>
    Effect.gen(function* () {
      const images = yield* Images
      const build = (text: string) => Effect.flip(run(images.build({ dockerfile: { text } })))
      expect(yield* build("FROM 127.0.0.1:1/nothing:1")).toMatchObject({ _tag: "RegistryError", reason: "Unreachable" })
      expect(yield* build(`FROM ${base}\nNONSENSE x`)).toMatchObject({ _tag: "BuildFailed" })
      expect(yield* build(`FROM ${base}\nCOPY nothing /`)).toMatchObject({ _tag: "BuildFailed" })
    }),
  "cannot be pulled or pushed where there is no registry": () =>
    Effect.gen(function* () {
      const images = yield* Images
      const name = yield* imageName("nowhere", "127.0.0.1:1/")
      yield* images.tag(base, name)
      for (const operation of [images.pull(name), images.push(name)]) {
        const error = yield* Effect.flip(run<unknown, unknown>(operation))
        expect(error).toBeInstanceOf(RegistryError)
        expect(error).toMatchObject({
          reason: "Unreachable",
          registry: "127.0.0.1:1",
          image: name,
          credentials: "none"
        })
      }
      yield* images.remove(name)
    }),
  "that are wanted by a wrong name are missing or invalid": () =>
    Effect.gen(function* () {
      const images = yield* Images
      for (const image of ["", "Upper", "a b", "a:b:c", "nothing:1"])
        expect(yield* Effect.flip(images.inspect(image))).toMatchObject({ _tag: "ImageNotFound", image })
      for (const target of ["", "Upper", "a b", "a:b:c"]) {
        expect(yield* Effect.flip(images.tag(base, target))).toMatchObject({ _tag: "InvalidRequest", field: "target" })
        expect(yield* Effect.flip(run(images.pull(target)))).toMatchObject({ _tag: "InvalidRequest", field: "image" })
      }
      const none = { filters: { label: ["dockwire.test.nothing-has-this"] } }
      expect(yield* images.list(none)).toEqual([])
    })
})
