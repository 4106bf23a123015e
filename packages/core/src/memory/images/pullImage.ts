import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { familiarReference, familiarRepository, type ImageReference } from "../../internal/registry/imageReference.js"
import type { EngineState } from "../state/engineState.js"
import {
  enginePlatform,
  type ImageContent,
  type ImagePlatform,
  type MemoryLayer,
  platformText,
  shortDigest
} from "../state/images/imageContent.js"
import type { MemoryImage } from "../state/images/imageStore.js"
import type { RegistryImage } from "../state/images/registryStore.js"
import { emitImageEvent } from "./imageEvents.js"
import { type Emit, layerLine, LineFailure } from "./jsonLines.js"
import { advance, transfer } from "./transfer.js"

/** As many layers as the engine downloads at once. */
const maxDownloads = 3

const download = (state: EngineState, layer: MemoryLayer, emit: Emit): Effect.Effect<void, LineFailure> =>
  Effect.gen(function* () {
    const id = shortDigest(layer.digest)
    const spec = state.registries.layers.get(layer.digest) ?? { size: layer.compressedSize }
    yield* transfer(layer.compressedSize, spec, true, {
      progress: (sizes) => emit(layerLine("Downloading", id, sizes)),
      retrying: (status) => emit(layerLine(status, id))
    })
    emit(layerLine("Verifying Checksum", id))
    if (spec.broken === true) {
      const message = `filesystem layer verification failed for digest ${layer.digest}`
      return yield* new LineFailure({ message })
    }
    emit(layerLine("Download complete", id))
  })

const extract = (state: EngineState, layer: MemoryLayer, emit: Emit): Effect.Effect<void> =>
  Effect.gen(function* () {
    const id = shortDigest(layer.digest)
    const total = layer.compressedSize
    const report = (current: number) => emit(layerLine("Extracting", id, { current, total }))
    yield* advance(total, Duration.toMillis(state.registries.layers.get(layer.digest)?.extraction ?? 0), report)
    report(total)
    emit(layerLine("Pull complete", id))
  })

/** Downloads the layers that the engine lacks, three at once, and extracts them one after the other. */
const fetchLayers = (
  state: EngineState,
  layers: ReadonlyArray<MemoryLayer>,
  emit: Emit
): Effect.Effect<void, LineFailure> =>
  Effect.gen(function* () {
    const missing = layers.filter(({ diffId }) => !state.images.hasLayer(diffId))
    for (const layer of layers) {
      emit(layerLine(missing.includes(layer) ? "Pulling fs layer" : "Already exists", shortDigest(layer.digest)))
    }
    for (const { digest } of missing.slice(maxDownloads)) emit(layerLine("Waiting", shortDigest(digest)))
    const parts = yield* Effect.forEach(missing, (layer) =>
      Effect.map(Deferred.make<void>(), (downloaded) => ({ layer, downloaded }))
    )
    const downloads = Effect.forEach(
      parts,
      ({ downloaded, layer }) => Effect.zipRight(download(state, layer, emit), Deferred.succeed(downloaded, undefined)),
      { concurrency: maxDownloads, discard: true }
    )
    const extractions = Effect.forEach(
      parts,
      ({ downloaded, layer }) => Effect.zipRight(Deferred.await(downloaded), extract(state, layer, emit)),
      { discard: true }
    )
    yield* Effect.all([downloads, extractions], { concurrency: 2, discard: true })
  })

const isPlatform = (wanted: ImagePlatform, { architecture, os, variant }: ImagePlatform): boolean =>
  os === wanted.os && architecture === wanted.architecture && (wanted.variant === "" || wanted.variant === variant)

/** The content for a platform. An image for a single platform is taken as it is. */
const selectContent = (
  { contents }: RegistryImage,
  platform: ImagePlatform
): Effect.Effect<ImageContent, LineFailure> => {
  const [only, ...others] = contents
  const content =
    only !== undefined && others.length === 0 ? only : contents.find((one) => isPlatform(platform, one.platform))
  const message = `no matching manifest for ${platformText(platform)} in the manifest list entries`
  return content === undefined ? new LineFailure({ message }) : Effect.succeed(content)
}

/** Records that the image has the reference. Returns whether it is new. */
const addReference = (
  state: EngineState,
  image: MemoryImage,
  reference: ImageReference,
  digest: string
): Effect.Effect<boolean> =>
  Effect.map(state.clock.now, (now) => {
    const byDigest = `${familiarRepository(reference)}@${digest}`
    const name = reference.digest === undefined ? familiarReference(reference) : byDigest
    const isNew = !image.tags.includes(name) && !image.digests.includes(name)
    if (reference.digest === undefined && isNew) state.images.tag(image, name, now)
    state.images.addDigest(image, byDigest)
    return isNew
  })

/** How to pull. */
export interface PullOptions {
  /** The platform that the client asks for. */
  readonly platform: ImagePlatform | undefined
  /** The reference to name in the status line, if it is another one. There is no event then. */
  readonly subject?: string
}

/** Pulls an image that was found in its registry. Nothing is kept unless all of it arrives. */
export const pullImage = (
  state: EngineState,
  reference: ImageReference,
  remote: RegistryImage,
  { platform, subject }: PullOptions,
  emit: Emit
): Effect.Effect<MemoryImage, LineFailure> =>
  Effect.gen(function* () {
    const repository = familiarRepository(reference)
    const name = reference.digest === undefined ? familiarReference(reference) : `${repository}@${reference.digest}`
    emit({ status: `Pulling from ${reference.repository}`, id: reference.digest === undefined ? reference.tag : name })
    const content = yield* selectContent(remote, platform ?? enginePlatform)
    if (!state.images.has(content.id)) yield* fetchLayers(state, content.layers, emit)
    const image = state.images.keep(content)
    const isNew = yield* addReference(state, image, reference, remote.digest)
    emit({ status: `Digest: ${remote.digest}` })
    const shown = subject ?? name
    emit({ status: `Status: ${isNew ? "Downloaded newer image" : "Image is up to date"} for ${shown}` })
    if (subject === undefined) yield* emitImageEvent(state, image, "pull", { id: name, name: repository })
    if (platform !== undefined && !isPlatform(platform, image.platform)) {
      const actual = platformText(image.platform)
      const message = `image with reference ${name} was found but does not match the specified platform: wanted ${platformText(platform)}, actual: ${actual}`
      return yield* new LineFailure({ message })
    }
    return image
  })
