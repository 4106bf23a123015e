import * as Effect from "effect/Effect"
import { familiarRepository, type ImageReference } from "../../internal/registry/imageReference.js"
import type { EngineState } from "../state/engineState.js"
import type { ErrorResponse } from "../state/errorResponse.js"
import { manifestJson, type MemoryLayer, shortDigest } from "../state/images/imageContent.js"
import type { MemoryImage } from "../state/images/imageStore.js"
import { type MemoryRegistry, registryImage } from "../state/images/registryStore.js"
import { emitImageEvent } from "./imageEvents.js"
import { type Emit, layerLine, LineFailure } from "./jsonLines.js"
import { connectToPush, type SentCredentials } from "./registryAccess.js"
import { transfer } from "./transfer.js"

/** As many layers as the engine uploads at once. */
const maxUploads = 5

const upload = (
  registry: MemoryRegistry,
  repository: string,
  layer: MemoryLayer,
  emit: Emit
): Effect.Effect<void, LineFailure> =>
  Effect.gen(function* () {
    // The engine names layers by their content when it pushes, and by their compressed form when it pulls.
    const id = shortDigest(layer.diffId)
    const repositories = registry.repositoriesOf(layer.diffId)
    if (repositories.includes(repository)) return emit(layerLine("Layer already exists", id))
    const [other] = repositories
    if (other !== undefined) return emit(layerLine(`Mounted from ${other}`, id))
    yield* transfer(layer.size, registry.spec.uploads ?? {}, false, {
      progress: ({ current, total }) =>
        emit(layerLine("Pushing", id, { current: total === 0 ? 1536 : current, total })),
      retrying: (status) => emit(layerLine(status, id))
    })
    emit(layerLine("Pushed", id))
  })

const pushTag = (
  state: EngineState,
  image: MemoryImage,
  reference: ImageReference,
  tag: string,
  sent: SentCredentials | undefined,
  emit: Emit
): Effect.Effect<void, ErrorResponse | LineFailure> =>
  Effect.gen(function* () {
    const { registry: host, repository } = reference
    const layers = image.layers.toReversed()
    for (const { diffId } of layers) emit(layerLine("Preparing", shortDigest(diffId)))
    const registry = yield* connectToPush(state, host, sent)
    yield* Effect.forEach(layers, (layer) => upload(registry, repository, layer, emit), {
      concurrency: maxUploads,
      discard: true
    })
    const { tags: _, digests: __, lastTagged: ___, parent: ____, ...content } = image
    const remote = registryImage([content])
    registry.images.set(`${repository}:${tag}`, remote)
    const name = familiarRepository(reference)
    state.images.addDigest(image, `${name}@${remote.digest}`)
    yield* emitImageEvent(state, image, "push", { id: `${name}:${tag}`, name })
    const size = manifestJson(content).length
    emit({ status: `${tag}: digest: ${remote.digest} size: ${size}` })
    emit({ progressDetail: {}, aux: { Tag: tag, Digest: remote.digest, Size: size } })
  })

/** Pushes the tag of a repository, or all of its tags. */
export const pushImage = (
  state: EngineState,
  reference: ImageReference,
  tag: string | undefined,
  sent: SentCredentials | undefined,
  emit: Emit
): Effect.Effect<void, ErrorResponse | LineFailure> =>
  Effect.gen(function* () {
    const name = familiarRepository(reference)
    emit({ status: `The push refers to repository [${reference.registry}/${reference.repository}]` })
    const local = [...state.images.values()].flatMap((image) =>
      image.tags.flatMap((text) => (text.startsWith(`${name}:`) ? [{ image, tag: text.slice(name.length + 1) }] : []))
    )
    if (local.length === 0) {
      return yield* new LineFailure({ message: `An image does not exist locally with the tag: ${name}` })
    }
    const wanted = tag === undefined ? local : local.filter((one) => one.tag === tag)
    if (wanted.length === 0) return yield* new LineFailure({ message: `tag does not exist: ${name}:${tag}` })
    for (const one of wanted) yield* pushTag(state, one.image, reference, one.tag, sent, emit)
  })
