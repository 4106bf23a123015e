import { Docker, type DockerShape, Images, RegistryAuth } from "@dockwire/core"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { describe, expect, it } from "vitest"
import { busyboxImage } from "../../engine/busyboxImage.js"
import { describeEngine, testEngine } from "../../engine/realEngine.js"
import { uniqueName } from "../../engine/testContainer.js"
import { testLabels } from "../../engine/testRun.js"
import { largeTarball, tarball, tarNames } from "../containers/tarball.js"
import { liveMemory } from "../liveMemory.js"
import { failureWith, runWith } from "../runWith.js"

const imagesOf = <E>(docker: Layer.Layer<Docker, E>) =>
  Layer.provideMerge(Images.layer, Layer.merge(docker, RegistryAuth.layer()))

const bytesOf = <E, R>(archive: Stream.Stream<Uint8Array, E, R>) =>
  Effect.map(Stream.runCollect(archive), (chunks) => Buffer.concat(Chunk.toReadonlyArray(chunks)))

const use = <A, E, R>(call: (images: Effect.Effect.Success<typeof Images>) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(Images, call)

const changes = Object.entries(testLabels()).map(([key, value]) => `LABEL ${key}=${value}`)

/** The test engine, as if it imported images for this platform whatever is asked for. */
const importing = (platform: string) =>
  imagesOf(
    Layer.map(Docker.layer({ endpoint: testEngine().endpoint }), (context) => {
      const docker = Context.get(context, Docker)
      return Context.make(Docker, {
        ...docker,
        json: (request) =>
          docker.json(
            request.query?.["platform"] === undefined ? request : { ...request, query: { ...request.query, platform } }
          )
      })
    })
  )

describeEngine("archives of images", () => {
  const layer = () => imagesOf(Docker.layer({ endpoint: testEngine().endpoint }))
  const run = <A, E>(program: Effect.Effect<A, E, Images | Docker>) => runWith(layer(), program)
  const fails = <A, E>(program: Effect.Effect<A, E, Images | Docker>) => failureWith(layer(), program)

  it("pass in both directions without being buffered: 50 MB", { timeout: 120_000 }, async () => {
    const size = 50_000_000
    const base = liveMemory()
    let [passed, peak] = [0, 0]
    const watched = <E>(archive: Stream.Stream<Uint8Array, E>) => {
      let since = 0
      return Stream.map(archive, (bytes) => {
        passed += bytes.length
        since += bytes.length
        if (since > 15_000_000) {
          since = 0
          peak = Math.max(peak, liveMemory() - base)
        }
        return bytes
      })
    }
    const reference = `${uniqueName("large")}:1`
    await run(
      use((images) =>
        Effect.gen(function* () {
          const file = Stream.suspend(() => Stream.fromIteratorSucceed(largeTarball("fifty", size), 1))
          const id = yield* images.import(watched(file), { reference, changes })
          expect((yield* images.inspect(reference)).size).toBe(size)
          // What one engine gives out, another one could take in: the archive is never here as a whole.
          expect(yield* images.load(watched(images.save([reference])))).toEqual([reference])
          expect((yield* images.inspect(reference)).id).toBe(id)
          yield* images.remove(reference)
        }).pipe(Effect.ensuring(Effect.ignore(images.remove(reference, { force: true }))))
      )
    )
    expect(passed).toBeGreaterThan(2 * size)
    expect(peak).toBeLessThan(25_000_000)
  })

  it("hold several images, of which each name is loaded", () => {
    const names = ["a:1", "a:2", "b/c:3"].map((name) => `${uniqueName("kept")}-${name}`)
    const other = `localhost:5000/${uniqueName("kept")}:4`
    const remove = Effect.forEach([...names, other], (name) =>
      use((images) => Effect.ignore(images.remove(name, { force: true })))
    )
    return run(
      use((images) =>
        Effect.gen(function* () {
          for (const name of names) yield* images.tag(busyboxImage, name)
          const id = yield* images.import(Stream.make(tarball([{ name: "file", content: "1" }])), {
            reference: other,
            changes
          })
          const archive = yield* bytesOf(images.save([...names, other]))
          expect(tarNames(archive).map(([name]) => name)).toContain("manifest.json")
          yield* remove
          const loaded = yield* images.load(Stream.make(archive))
          expect(loaded.toSorted()).toEqual([...names, other].toSorted())
          expect((yield* images.inspect(other)).id).toBe(id)
          expect((yield* images.inspect(names[2] ?? "")).id).toBe((yield* images.inspect(busyboxImage)).id)
        })
      ).pipe(Effect.ensuring(remove))
    )
  })

  it("of images without a name are loaded by their ids", () =>
    run(
      use((images) =>
        Effect.gen(function* () {
          const id = yield* images.import(Stream.make(tarball([{ name: "file", content: uniqueName() }])), {
            message: "said by a test",
            platform: "linux/arm64",
            changes: [...changes, 'ENTRYPOINT ["/file"]', "EXPOSE 80/tcp", "USER 7", "WORKDIR /w", "STOPSIGNAL INT"]
          })
          const details = yield* images.inspect(id)
          expect(details).toMatchObject({
            id,
            tags: [],
            digests: [],
            platform: { os: "linux", architecture: "arm64" },
            defaults: {
              entrypoint: ["/file"],
              command: [],
              exposedPorts: ["80/tcp"],
              user: "7",
              workingDirectory: "/w",
              stopSignal: "INT",
              labels: testLabels()
            }
          })
          expect(yield* images.history(id)).toEqual([
            {
              id,
              created: Math.floor(Date.parse(details.created ?? "") / 1000),
              createdBy: "",
              size: details.size,
              tags: [],
              comment: "said by a test"
            }
          ])
          const archive = yield* bytesOf(images.save([id]))
          yield* images.remove(id)
          expect(yield* images.load(Stream.make(archive))).toEqual([id])
          yield* images.remove(id)
        })
      )
    ))

  it.each(["linux/arm64", "linux/arm/v6", "linux/arm/v7", "linux/amd64/v2", "linux/riscv64", "arm64", "linux"])(
    "are imported for the platform that is asked for: %s",
    (platform) => {
      const reference = `${uniqueName("platform")}:1`
      return run(
        use((images) =>
          Effect.gen(function* () {
            const id = yield* images.import(Stream.make(tarball([{ name: "file", content: platform }])), {
              platform,
              reference,
              changes
            })
            const found = yield* images.inspect(reference)
            expect(found.id).toBe(id)
            const { architecture, os, variant } = found.platform
            expect([os, architecture, ...(variant === undefined ? [] : [variant])].join("/")).toContain(platform)
            yield* images.remove(reference)
          })
        )
      )
    }
  )

  it("that an engine imports for another platform than was asked for are a failure, and leave everything as it was", () => {
    const name = uniqueName("platform")
    const reference = `${name}:1`
    const label = `dockwire.test.import=${name}`
    const imported = (content: string, platform: string) =>
      use((images) =>
        images.import(Stream.make(tarball([{ name: "file", content }])), {
          platform,
          reference,
          changes: [...changes, `LABEL ${label}`]
        })
      )
    const ours = use((images) => images.list({ all: true, filters: { label: [label] } }))
    return run(
      Effect.gen(function* () {
        const first = yield* imported("first", "linux/amd64")
        const before = yield* ours
        expect(before).toHaveLength(1)
        for (const [platform, dropped] of [
          ["linux/arm64", "linux/amd64"],
          ["linux/arm/v6", "linux/arm"],
          ["windows/amd64", "linux/amd64"]
        ] as const) {
          // Docker 20.10 ignores the platform, and Podman its variant.
          const failure = yield* Effect.flip(Effect.provide(imported("second", platform), importing(dropped)))
          expect(failure).toMatchObject({ _tag: "InvalidRequest", field: "platform", value: platform })
          expect(failure.message).toContain(`the engine made an image for ${dropped}`)
        }
        expect(yield* ours).toEqual(before)
        expect((yield* use((images) => images.inspect(reference))).id).toBe(first)
        yield* use((images) => images.remove(reference))
      })
    )
  })

  it("that are imported for what is no platform are invalid", async () => {
    for (const platform of ["", "linux/", "a/b/c/d", "linux/amd 64"]) {
      expect(await fails(use((images) => images.import(Stream.empty, { platform })))).toMatchObject({
        _tag: "InvalidRequest",
        field: "platform",
        value: platform
      })
    }
  })

  it("whose stream fails are neither loaded nor imported, and the failure is the stream's own", async () => {
    const reference = `${uniqueName("cut")}:1`
    const cut = (archive: Uint8Array) =>
      Stream.concat(Stream.make(archive.subarray(0, archive.length - 1500)), Stream.fail("mine" as const))
    const file = tarball([{ name: "file", content: "x".repeat(5000) }])
    expect(await fails(use((images) => images.import(cut(file), { reference, changes })))).toBe("mine")
    expect(await fails(use((images) => images.inspect(reference)))).toMatchObject({ _tag: "ImageNotFound" })
    const saved = await run(
      use((images) =>
        Effect.gen(function* () {
          yield* images.import(Stream.make(file), { reference, changes })
          const archive = yield* bytesOf(images.save([reference]))
          yield* images.remove(reference)
          return archive
        })
      )
    )
    expect(await fails(use((images) => images.load(cut(saved))))).toBe("mine")
    expect(await fails(use((images) => images.inspect(reference)))).toMatchObject({ _tag: "ImageNotFound" })
  })

  it("that end too early or are none are invalid", async () => {
    const whole = await run(use((images) => bytesOf(images.save([busyboxImage]))))
    for (const archive of [
      new Uint8Array(0),
      new Uint8Array(1024),
      whole.subarray(0, 700_000),
      Buffer.from("no tar")
    ]) {
      const failure = await fails(use((images) => images.load(Stream.make(Uint8Array.from(archive)))))
      expect(failure).toMatchObject({ _tag: "InvalidRequest", field: "archive" })
    }
  })
})

/** A door whose engine answers `GET /images/get` with these pieces. */
const engineThatSends = (pieces: ReadonlyArray<Uint8Array>): DockerShape => {
  const never = Effect.dieMessage("only streams are expected")
  return {
    endpoint: "unix:///nowhere",
    json: () => never,
    hijack: () => never,
    stream: () =>
      Effect.succeed({ status: 200, contentType: "application/x-tar", headers: {}, body: Stream.fromIterable(pieces) })
  }
}

const saved = (pieces: ReadonlyArray<Uint8Array>) =>
  Effect.runPromise(
    Effect.either(use((images) => bytesOf(images.save(["a"])))).pipe(
      Effect.provide(imagesOf(Layer.succeed(Docker, engineThatSends(pieces))))
    )
  )

/** Cuts bytes into pieces of these lengths; the last takes the rest. */
const pieces = (bytes: Uint8Array, lengths: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const [length, ...rest] = lengths
  return length === undefined ? [bytes] : [bytes.subarray(0, length), ...pieces(bytes.subarray(length), rest)]
}

describe("a saved archive", () => {
  const archive = Uint8Array.from(
    tarball([
      { name: "manifest.json", content: "[]" },
      { name: "layer.tar", content: "z".repeat(20_000) }
    ])
  )
  const lengths = FastCheck.array(FastCheck.nat(9_000), { maxLength: 8 })

  it("arrives as it was sent, in whatever pieces", () =>
    FastCheck.assert(
      FastCheck.asyncProperty(lengths, async (lengths) => {
        const outcome = await saved(pieces(archive, lengths))
        // Comparing byte by byte through a matcher takes a second each time.
        expect(outcome._tag === "Right" && outcome.right.equals(archive)).toBe(true)
      })
    ))

  it("is a failure where it is cut", () =>
    FastCheck.assert(
      FastCheck.asyncProperty(FastCheck.nat(archive.length - 512), lengths, async (end, lengths) => {
        expect(await saved(pieces(archive.subarray(0, end), lengths))).toMatchObject({
          _tag: "Left",
          left: { _tag: "EngineError", request: "GET /images/get", detail: "the archive ends before its end" }
        })
      })
    ))

  it("is a failure with the engine's words where the engine has written an error behind it", () =>
    FastCheck.assert(
      FastCheck.asyncProperty(
        FastCheck.nat(archive.length - 512),
        lengths,
        FastCheck.string(),
        async (end, lengths, said) => {
          // As the engine writes it: streamformatter.FormatError.
          const error = `{"errorDetail":${JSON.stringify({ message: said })},"error":${JSON.stringify(said)}}\r\n`
          const sent = Buffer.concat([archive.subarray(0, end), Buffer.from(error)])
          expect(await saved(pieces(sent, lengths))).toMatchObject({
            _tag: "Left",
            left: { _tag: "EngineError", detail: said }
          })
        }
      )
    ))
})
