import * as Effect from "effect/Effect"
import { familiarName } from "../programs/imageReference.js"
import type { EngineState } from "../state/engineState.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import { chainIds, shortDigest } from "../state/images/imageContent.js"
import type { MemoryImage } from "../state/images/imageStore.js"
import { isRunning, type MemoryContainer } from "../state/memoryContainer.js"
import { emitImageEvent } from "./imageEvents.js"

/** An element of the response to a removal. */
export type Removal = { readonly Untagged: string } | { readonly Deleted: string }

/** The containers that use an image. */
export const usersOf = (state: EngineState, image: MemoryImage): ReadonlyArray<MemoryContainer> =>
  [...state.containers.values()].filter((container) => container.image === image)

const repositoryOf = (reference: string): string => reference.replace(/(:[^:/@]+|@.*)$/, "")

/** Takes references away. With the last tag of a repository go its digests. */
const untag = (state: EngineState, image: MemoryImage, references: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const removed: Array<Removal> = []
    const remove = (reference: string) => {
      image.tags = image.tags.filter((tag) => tag !== reference)
      image.digests = image.digests.filter((digest) => digest !== reference)
      removed.push({ Untagged: reference })
    }
    for (const reference of references) {
      if (![...image.tags, ...image.digests].includes(reference)) continue
      remove(reference)
      yield* emitImageEvent(state, image, "untag")
      const repository = repositoryOf(reference)
      if (image.tags.some((tag) => repositoryOf(tag) === repository)) continue
      for (const digest of image.digests.filter((digest) => repositoryOf(digest) === repository)) {
        remove(digest)
        // The engine reports this as an event only if it was asked to remove all references.
        if (references.includes(digest)) yield* emitImageEvent(state, image, "untag")
      }
    }
    return removed
  })

/** Deletes an image that has no reference, container or child, its layers, and those of its parents that are left over. */
const deleteUnused = (state: EngineState, image: MemoryImage, withParents: boolean) =>
  Effect.gen(function* () {
    const removed: Array<Removal> = []
    let next: MemoryImage | undefined = image
    while (next !== undefined) {
      const { digests, id, parent, tags }: MemoryImage = next
      const isUsed = tags.length + digests.length + usersOf(state, next).length + state.images.children(next).length > 0
      if (isUsed) break
      const layers = chainIds(next).toReversed()
      state.images.delete(id)
      removed.push({ Deleted: id })
      yield* state.journal.publish("image", "delete", id, { name: id })
      const kept = state.images.layerSizes
      removed.push(...layers.filter((layer) => !kept.has(layer)).map((layer) => ({ Deleted: layer })))
      next = withParents ? state.images.get(parent) : undefined
    }
    return removed
  })

/** Takes references away from an image, and deletes it with its last one unless it is in use. Returns what was removed. */
export const removeReferences = (
  state: EngineState,
  image: MemoryImage,
  references: ReadonlyArray<string>,
  withParents = true
): Effect.Effect<ReadonlyArray<Removal>> =>
  Effect.zipWith(
    untag(state, image, references),
    Effect.suspend(() => deleteUnused(state, image, withParents)),
    (untagged, deleted) => [...untagged, ...deleted]
  )

/** The bytes that removals have freed, given the layers that there were before. */
export const reclaimedBytes = (removals: ReadonlyArray<Removal>, before: ReadonlyMap<string, number>): number =>
  removals.reduce((sum, removal) => sum + ("Deleted" in removal ? (before.get(removal.Deleted) ?? 0) : 0), 0)

/** Why an image cannot be removed, if it cannot. */
export const removalConflict = (
  state: EngineState,
  image: MemoryImage,
  reference: string,
  force: boolean
): ErrorResponse | undefined => {
  const byReference = namedBy(image, reference) !== undefined
  const short = shortDigest(image.id)
  const conflict = (message: string) => errorResponse(409, `conflict: unable to ${message}`)
  const users = usersOf(state, image)
  const [user] = users
  if (user !== undefined && (!byReference || image.tags.length === 1)) {
    const running = users.find(isRunning)
    if (byReference && !force) {
      const reason = `container ${user.id.slice(0, 12)} is using its referenced image ${short}`
      return conflict(`remove repository reference "${reference}" (must force) - ${reason}`)
    }
    if (!byReference && running !== undefined) {
      const reason = `image is being used by running container ${running.id.slice(0, 12)}`
      return conflict(`delete ${short} (cannot be forced) - ${reason}`)
    }
    if (!byReference && !force) {
      const reason = `image is being used by stopped container ${user.id.slice(0, 12)}`
      return conflict(`delete ${short} (must be forced) - ${reason}`)
    }
  }
  if (!byReference && state.images.children(image).length > 0) {
    return conflict(`delete ${short} (cannot be forced) - image has dependent child images`)
  }
  return !byReference && image.tags.length > 1 && !force
    ? conflict(`delete ${short} (must be forced) - image is referenced in multiple repositories`)
    : undefined
}

/** The reference of an image that a request names it by; `undefined` if it names it by its id. */
export const namedBy = (image: MemoryImage, reference: string): string | undefined => {
  const name = familiarName(reference)
  return [...image.tags, ...image.digests].find((own) => own === name || own === name.replace(/:[^:/@]+(?=@)/, ""))
}
