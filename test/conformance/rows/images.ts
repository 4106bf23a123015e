import { Images } from "@dockwire/core"
import { Chunk, Effect, Stream } from "effect"
import { expect } from "vitest"
import { busyboxImage } from "../../engine/busyboxImage.js"
import type { Bench } from "../bench.js"
import { failsWith, inTurn, type Rows } from "../cell.js"

const missing = "dockwire-nothing:1"

const on = <A, E, R>(use: (images: Effect.Effect.Success<typeof Images>) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(Images, use)

/** Two blocks of zeros end an archive. */
const emptyArchive = Stream.make(new Uint8Array(1024))

/** Another tag of busybox, which is removed with the scope. */
const tagged = (bench: Bench) =>
  Effect.acquireRelease(
    Effect.tap(Effect.succeed(`${bench.name()}:1`), (name) => on((images) => images.tag(busyboxImage, name))),
    (name) => Effect.ignore(on((images) => images.remove(name, { force: true })))
  )

/** An image with the labels of the cell, which is removed with the scope. */
const labelled = ({ labels }: Bench, reference?: string) => {
  const changes = Object.entries(labels).map(([key, value]) => `LABEL ${key}=${value}`)
  return Effect.acquireRelease(
    on((images) => images.import(emptyArchive, reference === undefined ? { changes } : { changes, reference })),
    (id) => Effect.ignore(on((images) => images.remove(id, { force: true })))
  )
}

/** References as Docker prints them. Podman adds the registry that its own images have. */
const named = (name: string) => expect.stringMatching(new RegExp(`^(localhost/|docker.io/library/)?${name}$`))

const notFound = { image: missing, detail: expect.stringContaining(`No such image: ${missing}`) }

const busyboxSaved = on((images) => Stream.runCollect(images.save([busyboxImage])))

/** Texts that are no reference. */
const unusable = ["", "/", "a//b", "../x", "a/./b", "\ud800", "a\nb"]

const whoseImageIs = (call: (image: string) => Effect.Effect<unknown, unknown, Images>) => () =>
  Effect.forEach(unusable, (image) => failsWith(call(image), "ImageNotFound", { image }))

const isMissing = (call: (image: string) => Effect.Effect<unknown, unknown, Images>) => () =>
  failsWith(call(missing), "ImageNotFound", notFound)

const badFilter =
  (call: (filters: Readonly<Record<string, ReadonlyArray<string>>>) => Effect.Effect<unknown, unknown, Images>) => () =>
    failsWith(call({ color: ["red"] }), "InvalidRequest", { field: "filters", value: '{"color":["red"]}' })

const pruned = <A, E extends { readonly message: string }>(
  use: (images: Effect.Effect.Success<typeof Images>) => Effect.Effect<A, E>
) => inTurn(on(use))

const readers: Rows = {
  list: {
    call: () => on((images) => images.list()),
    success: (bench) =>
      Effect.gen(function* () {
        const name = yield* tagged(bench)
        const { id } = yield* on((images) => images.inspect(name))
        const found = yield* on((images) => images.list({ filters: { reference: [name] } }))
        expect(found.map((image) => image.id)).toEqual([id])
        expect(found[0]?.tags).toContainEqual(named(name))
        expect(found[0]?.size).toBeGreaterThan(1_000_000)
        expect(found[0]?.created).toBeGreaterThan(1_600_000_000)
      }),
    missing: (bench) =>
      Effect.map(
        on((images) => images.list({ filters: { reference: [bench.name()] } })),
        (found) => expect(found).toEqual([])
      ),
    conflict: "listing conflicts with nothing",
    "bad input": badFilter((filters) => on((images) => images.list({ filters })))
  },
  inspect: {
    call: () => on((images) => images.inspect(missing)),
    success: (bench) =>
      Effect.gen(function* () {
        const name = yield* tagged(bench)
        const image = yield* on((images) => images.inspect(name))
        expect(image).toMatchObject({
          id: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
          platform: { os: "linux", architecture: "amd64" },
          defaults: { command: ["sh"], entrypoint: [], exposedPorts: [], user: "", environment: { PATH: "/bin" } }
        })
        expect(image.tags).toContainEqual(named(name))
        expect(image.layers).toHaveLength(1)
        expect(image.raw["RootFS"]).toBeDefined()
        for (const id of [image.id, image.id.slice("sha256:".length), image.id.slice("sha256:".length, 24)]) {
          expect((yield* on((images) => images.inspect(id))).id).toBe(image.id)
        }
      }),
    missing: isMissing((image) => on((images) => images.inspect(image))),
    conflict: "inspecting conflicts with nothing",
    "bad input": whoseImageIs((image) => on((images) => images.inspect(image)))
  },
  history: {
    call: () => on((images) => images.history(missing)),
    success: () =>
      Effect.gen(function* () {
        const { id } = yield* on((images) => images.inspect(busyboxImage))
        const [last] = yield* on((images) => images.history(busyboxImage))
        expect(last).toMatchObject({ id, size: expect.any(Number), createdBy: expect.any(String) })
        expect(last?.created).toBeGreaterThan(1_600_000_000)
      }),
    missing: isMissing((image) => on((images) => images.history(image))),
    conflict: "reading conflicts with nothing",
    "bad input": whoseImageIs((image) => on((images) => images.history(image)))
  }
}

const changers: Rows = {
  tag: {
    call: (bench) => on((images) => images.tag(busyboxImage, bench.name())),
    success: (bench) =>
      Effect.gen(function* () {
        const name = yield* tagged(bench)
        const [first, second] = [
          yield* on((images) => images.inspect(busyboxImage)),
          yield* on((images) => images.inspect(name))
        ]
        expect(second.id).toBe(first.id)
      }),
    missing: (bench) =>
      failsWith(
        on((images) => images.tag(missing, bench.name())),
        "ImageNotFound",
        notFound
      ).pipe(
        Effect.zipRight(
          Effect.forEach(["Upper/x:1", "a:b:c"], (image) =>
            failsWith(
              on((images) => images.tag(image, bench.name())),
              "ImageNotFound",
              { image }
            )
          )
        )
      ),
    conflict: "a tag is taken from the image that has it",
    "bad input": () =>
      Effect.forEach(["", "Upper", "a:b:c", "a b", `a@sha256:${"0".repeat(64)}`, "../x"], (target) =>
        failsWith(
          on((images) => images.tag(busyboxImage, target)),
          "InvalidRequest",
          { field: "target", value: target }
        )
      )
  },
  remove: {
    call: () => on((images) => images.remove(missing)),
    success: (bench) =>
      Effect.gen(function* () {
        const name = yield* tagged(bench)
        const removed = yield* on((images) => images.remove(name))
        expect(removed).toEqual({ untagged: [named(name)], deleted: [] })
        yield* failsWith(
          on((images) => images.inspect(name)),
          "ImageNotFound"
        )
      }),
    missing: isMissing((image) => on((images) => images.remove(image))),
    conflict: (bench) =>
      Effect.gen(function* () {
        yield* bench.created(["true"])
        const { id } = yield* on((images) => images.inspect(busyboxImage))
        yield* failsWith(
          on((images) => images.remove(id)),
          "ResourceInUse",
          { resource: id }
        )
      }),
    "bad input": whoseImageIs((image) => on((images) => images.remove(image)))
  },
  prune: {
    call: () => pruned((images) => images.prune({ filters: { label: ["dockwire.nobody"] } })),
    success: (bench) =>
      Effect.gen(function* () {
        const [label] = Object.entries(bench.labels).map(([key, value]) => `${key}=${value}`)
        const filters = { label: [label ?? ""] }
        const dangling = yield* labelled(bench)
        const named = yield* labelled(bench, `${bench.name()}:1`)
        const digest = expect.stringMatching(/^sha256:[0-9a-f]{64}$/)
        const [first] = yield* on((images) => images.list({ filters: { ...filters, dangling: ["true"] } }))
        expect(first).toMatchObject({ id: dangling, tags: [], labels: bench.labels })
        const report = yield* pruned((images) => images.prune({ filters }))
        expect(report).toEqual({
          deleted: [
            dangling,
            ...Array.from({ length: Number(bench.expected("layers of the same content", 0)) }, () => digest)
          ],
          spaceReclaimed: expect.any(Number)
        })
        const all = yield* Effect.merge(pruned((images) => images.prune({ all: true, filters })))
        const usual = expect.objectContaining({ deleted: expect.arrayContaining([named]) })
        expect(all).toEqual(bench.expected("pruning images that have a name", usual))
      }),
    missing: () =>
      Effect.map(
        pruned((images) => images.prune({ filters: { label: ["dockwire.nobody"] } })),
        (report) => expect(report).toEqual({ deleted: [], spaceReclaimed: 0 })
      ),
    conflict: "an engine under test runs few prunes; see the unit tests",
    "bad input": badFilter((filters) => pruned((images) => images.prune({ filters })))
  },
  pruneBuildCache: {
    call: () => pruned((images) => images.pruneBuildCache({ filters: { until: ["9999h"] } })),
    success: () =>
      Effect.map(
        pruned((images) => images.pruneBuildCache({ filters: { until: ["9999h"] }, keepStorage: 1_000_000_000 })),
        (report) => expect(report).toEqual({ deleted: [], spaceReclaimed: 0 })
      ),
    missing: "pruning nothing is a success",
    conflict: "an engine under test runs few prunes; see the unit tests",
    "bad input": () =>
      failsWith(
        on((images) => images.pruneBuildCache({ keepStorage: -1 })),
        "InvalidRequest",
        { field: "keepStorage", value: "-1" }
      )
  }
}

const notAnArchive = Stream.make(new TextEncoder().encode("this is not an archive".repeat(100)))

const archives: Rows = {
  save: {
    call: () => on((images) => Stream.runDrain(images.save([busyboxImage]))),
    success: (bench) =>
      Effect.map(busyboxSaved, (chunks) => {
        const archive = Buffer.concat(Chunk.toReadonlyArray(chunks))
        expect(archive.length).toBeGreaterThan(Number(bench.expected("the bytes of busybox", 1_000_000)))
        expect(archive.includes("manifest.json")).toBe(true)
      }),
    missing: () =>
      failsWith(
        on((images) => Stream.runDrain(images.save([busyboxImage, missing]))),
        "ImageNotFound",
        { image: missing }
      ),
    conflict: "reading conflicts with nothing",
    "bad input": () =>
      Effect.all([
        failsWith(
          on((images) => Stream.runDrain(images.save([]))),
          "InvalidRequest",
          { field: "images" }
        ),
        whoseImageIs((image) => on((images) => Stream.runDrain(images.save([image]))))()
      ])
  },
  load: {
    call: () => on((images) => images.load(notAnArchive)),
    success: (bench) =>
      Effect.gen(function* () {
        const name = yield* tagged(bench)
        const { id } = yield* on((images) => images.inspect(name))
        const chunks = yield* on((images) => Stream.runCollect(images.save([name])))
        yield* on((images) => images.remove(name))
        expect(yield* on((images) => images.load(Stream.fromChunk(chunks)))).toEqual([named(name)])
        expect((yield* on((images) => images.inspect(name))).id).toBe(id)
      }),
    missing: "an archive holds all that it needs",
    conflict: "a tag is taken from the image that has it",
    "bad input": () =>
      failsWith(
        on((images) => images.load(notAnArchive)),
        "InvalidRequest",
        { field: "archive" }
      )
  },
  import: {
    call: () => on((images) => images.import(notAnArchive)),
    success: (bench) =>
      Effect.gen(function* () {
        const reference = `${bench.name()}:2`
        const id = yield* Effect.acquireRelease(
          on((images) => images.import(emptyArchive, { reference, changes: ['CMD ["sh"]', "ENV A=b"] })),
          (id) => Effect.ignore(on((images) => images.remove(id, { force: true })))
        )
        const image = yield* on((images) => images.inspect(reference))
        expect(image).toMatchObject({ id, defaults: { command: ["sh"], environment: { A: "b" } } })
        const platform = { os: "linux", architecture: "arm", variant: "v6" }
        const elsewhere = yield* Effect.merge(
          Effect.acquireUseRelease(
            on((images) => images.import(emptyArchive, { platform: "linux/arm/v6", changes: ['CMD ["x"]'] })),
            (other) => on((images) => Effect.map(images.inspect(other), (found) => found.platform)),
            (other) => Effect.ignore(on((images) => images.remove(other, { force: true })))
          )
        )
        expect(elsewhere).toEqual(bench.expected("importing for another platform", platform))
      }),
    missing: "an archive holds all that it needs",
    conflict: "a tag is taken from the image that has it",
    "bad input": () =>
      Effect.all([
        failsWith(
          on((images) => images.import(notAnArchive)),
          "InvalidRequest",
          { field: "archive" }
        ),
        failsWith(
          on((images) => images.import(Stream.empty, { reference: "Upper" })),
          "InvalidRequest",
          { field: "reference", value: "Upper" }
        ),
        failsWith(
          on((images) => images.import(emptyArchive, { reference: `a@sha256:${"0".repeat(64)}` })),
          "InvalidRequest",
          { field: "reference" }
        ),
        failsWith(
          on((images) => images.import(emptyArchive, { changes: ["NONSENSE x"] })),
          "InvalidRequest",
          { field: "changes", value: "NONSENSE x" }
        )
      ])
  }
}

/** The cells of `Images`. */
export const imageRows: Rows = { ...readers, ...changers, ...archives }
