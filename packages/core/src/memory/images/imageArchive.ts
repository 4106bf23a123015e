import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { nullable } from "../../internal/api/decode.js"
import { packTar, type TarEntry } from "../../internal/tar/packTar.js"
import { extractArchive } from "../containers/extractArchive.js"
import { familiarName } from "../programs/imageReference.js"
import type { EngineState } from "../state/engineState.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import { directorySize, lookUp, type MemoryDirectory, newDirectory } from "../state/fileTree.js"
import { configJson, shortDigest } from "../state/images/imageContent.js"
import type { MemoryImage } from "../state/images/imageStore.js"
import { tarEntries } from "../state/tarEntries.js"
import { readConfigFile } from "./imageConfigFile.js"
import { emitImageEvent } from "./imageEvents.js"
import { type Emit, layerLine, LineFailure } from "./jsonLines.js"
import { namedBy } from "./removeImage.js"
import { advance } from "./transfer.js"

/** An image to save, and the tags to save it with. */
interface SavedImage {
  readonly image: MemoryImage
  readonly tags: ReadonlyArray<string>
}

const blob = (digest: string): string => `blobs/sha256/${digest.replace(/^sha256:/, "")}`

const encoder = new TextEncoder()

const json = (name: string, value: unknown): TarEntry => ({
  header: { name },
  content: encoder.encode(JSON.stringify(value))
})

/** The images that are named, each with the tags that it is named by. A name without a tag stands for all of its tags. */
const namedImages = (
  state: EngineState,
  names: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<SavedImage>, ErrorResponse> =>
  Effect.gen(function* () {
    const saved = new Map<MemoryImage, ReadonlyArray<string>>()
    const add = (image: MemoryImage, tag?: string) =>
      saved.set(image, [...(saved.get(image) ?? []), ...(tag === undefined ? [] : [tag])])
    for (const name of names) {
      const repository = familiarName(name).replace(/:latest$/, "")
      const isBare = !/:[^/]*$|@/.test(name)
      const tagged = [...state.images.values()].flatMap((image) =>
        image.tags.filter((tag) => tag.replace(/:[^:/]+$/, "") === repository).map((tag) => ({ image, tag }))
      )
      if (isBare && tagged.length > 0) {
        for (const { image, tag } of tagged) add(image, tag)
        continue
      }
      const image = yield* Effect.mapError(state.images.find(name), () => errorResponse(404, `No such image: ${name}`))
      const reference = namedBy(image, name)
      add(image, reference === undefined || reference.includes("@") ? undefined : reference)
    }
    return Array.from(saved, ([image, tags]) => ({ image, tags: [...new Set(tags)].toSorted() }))
  })

/** The layers of an image as archives. The lowest one has all files: which layer added them is not recorded. */
const layerArchives = ({ files, layers }: MemoryImage): Effect.Effect<ReadonlyArray<TarEntry>> =>
  Effect.forEach(layers, ({ diffId }, index) => {
    const entries = index > 0 ? [] : [...files.children].flatMap(([name, node]) => [...tarEntries(name, node)])
    return Effect.map(Stream.runCollect(packTar(entries)), (chunks): TarEntry => ({
      header: { name: blob(diffId) },
      content: Buffer.concat(Chunk.toReadonlyArray(chunks))
    }))
  })

/** Saves images in an archive as `docker save` writes it. */
export const saveImages = (
  state: EngineState,
  names: ReadonlyArray<string>
): Effect.Effect<Stream.Stream<Uint8Array>, ErrorResponse> =>
  Effect.gen(function* () {
    const saved = yield* namedImages(state, names)
    const blobs = new Map<string, TarEntry>()
    for (const { image } of saved) {
      const config = { header: { name: blob(image.id) }, content: encoder.encode(image.source ?? configJson(image)) }
      for (const entry of [config, ...(yield* layerArchives(image))]) blobs.set(entry.header.name, entry)
      yield* emitImageEvent(state, image, "save")
    }
    const manifest = saved.map(({ image, tags }) => ({
      Config: blob(image.id),
      RepoTags: tags.length === 0 ? null : tags,
      Layers: image.layers.map(({ diffId }) => blob(diffId)),
      LayerSources: Object.fromEntries(
        image.layers.map(({ diffId, size }) => [
          diffId,
          { mediaType: "application/vnd.oci.image.layer.v1.tar", size, digest: diffId }
        ])
      )
    }))
    return packTar([
      ...blobs.values(),
      json("manifest.json", manifest),
      json("oci-layout", { imageLayoutVersion: "1.0.0" })
    ])
  })

const Manifest = Schema.parseJson(
  Schema.Array(
    Schema.Struct({
      Config: Schema.String,
      RepoTags: nullable(Schema.Array(Schema.String)),
      Layers: nullable(Schema.Array(Schema.String)),
      LayerSources: nullable(
        Schema.Record({ key: Schema.String, value: Schema.Struct({ size: Schema.optional(Schema.Number) }) })
      )
    })
  )
)

type ManifestItem = (typeof Manifest.Type)[number]

const readFile = (root: MemoryDirectory, path: string): Effect.Effect<Uint8Array, LineFailure> => {
  const found = lookUp(root, path, true)
  return typeof found === "string" || found.node.kind !== "file"
    ? new LineFailure({
        message: `open /var/lib/docker/tmp/docker-import-1/${path}: no such file or directory`
      })
    : Effect.succeed(found.node.content)
}

const extractLayer = (state: EngineState, tar: Uint8Array, root: MemoryDirectory) =>
  extractArchive(Stream.make(tar), {
    root,
    directory: "/",
    noOverwriteDirNonDir: false,
    mounts: [],
    missing: errorResponse(500, "no such file or directory"),
    now: state.clock.now
  })

const loadImage = (
  state: EngineState,
  archive: MemoryDirectory,
  { Config, LayerSources, Layers, RepoTags }: ManifestItem,
  quiet: boolean,
  emit: Emit
) =>
  Effect.gen(function* () {
    const bytes = yield* readFile(archive, Config)
    const files = newDirectory(yield* state.clock.now)
    const sizes: Array<number> = []
    const sources = Object.values(LayerSources ?? {})
    for (const [index, path] of (Layers ?? []).entries()) {
      const before = directorySize(files)
      yield* extractLayer(state, yield* readFile(archive, path), files)
      sizes.push(sources[index]?.size ?? Math.max(0, directorySize(files) - before))
    }
    const content = yield* readConfigFile(bytes, sizes, files)
    for (const { diffId, size } of content.layers) {
      if (quiet || state.images.hasLayer(diffId)) continue
      yield* advance(size, 0, (current) =>
        emit(layerLine("Loading layer", shortDigest(diffId), { current, total: size }))
      )
    }
    const image = state.images.keep(content)
    for (const tag of RepoTags ?? []) {
      state.images.tag(image, familiarName(tag), yield* state.clock.now)
      emit({ stream: `Loaded image: ${familiarName(tag)}\n` })
    }
    if ((RepoTags ?? []).length === 0) emit({ stream: `Loaded image ID: ${image.id}\n` })
    yield* emitImageEvent(state, image, "load")
  })

/** Loads the images of an archive that was uploaded and extracted. */
export const loadImages = (
  state: EngineState,
  archive: MemoryDirectory,
  quiet: boolean,
  emit: Emit
): Effect.Effect<void, ErrorResponse | LineFailure> =>
  Effect.gen(function* () {
    const isEmpty = lookUp(archive, "manifest.json", true) === "missing"
    const bytes = yield* readFile(archive, isEmpty ? "repositories" : "manifest.json")
    const manifest = yield* Effect.mapError(
      Schema.decodeUnknown(Manifest)(new TextDecoder().decode(bytes)),
      ({ message }) => new LineFailure({ message: `invalid manifest: ${message}` })
    )
    for (const item of manifest) yield* loadImage(state, archive, item, quiet, emit)
  })
