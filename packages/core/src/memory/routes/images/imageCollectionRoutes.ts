import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { Call, Routes } from "../../calls/call.js"
import type { Filters } from "../../calls/filters.js"
import { jsonResponse } from "../../calls/response.js"
import { emitImageEvent } from "../../images/imageEvents.js"
import { detailsView, historyView, summaryView } from "../../images/imageViews.js"
import { parseReference } from "../../images/reference.js"
import {
  namedBy,
  reclaimedBytes,
  type Removal,
  removalConflict,
  removeReferences,
  usersOf
} from "../../images/removeImage.js"
import { familiarName } from "../../programs/imageReference.js"
import { errorResponse } from "../../state/errorResponse.js"
import type { MemoryImage } from "../../state/images/imageStore.js"

const targetImage = ({ parameter, state }: Call) => state.images.find(parameter)

/** Converts a `reference` filter, a glob whose wildcards stop at slashes, to a regular expression. */
const globPattern = (glob: string): RegExp =>
  new RegExp(
    `^${glob
      .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", "[^/]*")
      .replaceAll("?", "[^/]")}$`
  )

const matchesReference = ({ digests, tags }: MemoryImage, glob: string): boolean => {
  const pattern = globPattern(glob)
  return [...tags, ...digests].some((name) => pattern.test(name) || pattern.test(name.replace(/(:[^:/]*|@.*)$/, "")))
}

/** The ids in a removal filter that `before` and `since` name. */
const createdAt = ({ state }: Call, filters: Filters, key: string) =>
  Effect.forEach(filters.get(key), (name) => Effect.map(state.images.find(name), ({ created }) => created))

const list = (call: Call) =>
  Effect.gen(function* () {
    const { query, state } = call
    const filters = yield* query.filters(["before", "dangling", "label", "reference", "since", "until"])
    const dangling = yield* filters.boolean("dangling")
    const before = yield* createdAt(call, filters, "before")
    const since = yield* createdAt(call, filters, "since")
    const until = yield* filters.until(yield* state.clock.now)
    const isListed = (image: MemoryImage) => {
      const isNamed = image.tags.length + image.digests.length > 0
      const isIntermediate = !isNamed && state.images.children(image).length > 0
      if (isIntermediate) return query.flag("all") && dangling === undefined
      return dangling === undefined || dangling === (image.tags.length === 0)
    }
    const images = [...state.images.values()].filter(
      (image) =>
        isListed(image) &&
        filters.any("reference", (value) => matchesReference(image, value)) &&
        filters.labels(image.config.labels) &&
        before.every((time) => image.created < time) &&
        since.every((time) => image.created > time) &&
        (until === undefined || image.created < until)
    )
    const newestFirst = images.toSorted(({ created: left }, { created: right }) =>
      left === right ? 0 : left < right ? 1 : -1
    )
    return jsonResponse(200, newestFirst.map(summaryView))
  })

const tag = (call: Call) =>
  Effect.gen(function* () {
    const image = yield* targetImage(call)
    const { query, state } = call
    const repository = query.text("repo") ?? ""
    const tag = query.text("tag") ?? ""
    yield* parseReference(repository)
    if (tag !== "" && !/^\w[\w.-]{0,127}$/.test(tag)) return yield* errorResponse(400, "invalid tag format")
    if (repository.includes("@")) return yield* errorResponse(400, "refusing to create a tag with a digest reference")
    const name = familiarName(tag === "" ? repository : `${repository}:${tag}`)
    state.images.tag(image, name, yield* state.clock.now)
    yield* emitImageEvent(state, image, "tag", { name })
    return jsonResponse(201)
  })

const remove = (call: Call) =>
  Effect.gen(function* () {
    const { parameter, query, state } = call
    const image = yield* targetImage(call)
    const conflict = removalConflict(state, image, parameter, query.flag("force"))
    if (conflict !== undefined) return yield* conflict
    const name = namedBy(image, parameter)
    const references = name === undefined ? [...image.tags, ...image.digests] : [name]
    return jsonResponse(200, yield* removeReferences(state, image, references, !query.flag("noprune")))
  })

const prune = ({ query, state }: Call) =>
  Effect.gen(function* () {
    const filters = yield* query.filters(["dangling", "label", "label!", "until"])
    const dangling = (yield* filters.boolean("dangling")) ?? true
    const until = yield* filters.until(yield* state.clock.now, 500)
    const before = state.images.layerSizes
    const removed: Array<Removal> = []
    for (const image of [...state.images.values()].toReversed()) {
      if (!state.images.has(image.id) || usersOf(state, image).length > 0) continue
      if (state.images.children(image).length > 0 || (dangling && image.tags.length > 0)) continue
      if (!filters.labels(image.config.labels) || !filters.withoutLabels(image.config.labels)) continue
      if (until !== undefined && image.created > until) continue
      removed.push(...(yield* removeReferences(state, image, [...image.tags, ...image.digests])))
    }
    const reclaimed = reclaimedBytes(removed, before)
    yield* state.journal.publish("image", "prune", "", { reclaimed: String(reclaimed) })
    return jsonResponse(200, { ImagesDeleted: removed.length === 0 ? null : removed, SpaceReclaimed: reclaimed })
  })

/** The routes that read and change the collection of images. */
export const imageCollectionRoutes: Routes = {
  "GET /images/json": list,
  "GET /images/{name}/json": (call) => Either.map(targetImage(call), (image) => jsonResponse(200, detailsView(image))),
  "GET /images/{name}/history": (call) =>
    Either.map(targetImage(call), (image) => jsonResponse(200, historyView(call.state, image))),
  "POST /images/{name}/tag": tag,
  "DELETE /images/{name}": remove,
  "POST /images/prune": prune
}
