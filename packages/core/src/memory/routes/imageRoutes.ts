import * as Effect from "effect/Effect"
import { nanosTimestamp } from "../../internal/api/engineTime.js"
import type { Call, Routes } from "../calls/call.js"
import { jsonResponse } from "../calls/response.js"
import { withDefaultTag } from "../programs/imageReference.js"
import type { EngineState } from "../state/engineState.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import { imageSize, type MemoryImage } from "../state/imageStore.js"
import { isRunning, type MemoryContainer } from "../state/memoryContainer.js"

const targetImage = ({ parameter, state }: Call) => state.images.find(parameter)

const usersOf = (state: EngineState, image: MemoryImage): ReadonlyArray<MemoryContainer> =>
  [...state.containers.values()].filter((container) => container.image === image)

/** An element of the body of `GET /images/json`. */
export const imageSummary = ({ created, id, tags }: MemoryImage) => ({
  Containers: -1,
  Created: Number(created / 1_000_000_000n),
  Id: id,
  Labels: null,
  ParentId: "",
  RepoDigests: [],
  RepoTags: tags,
  SharedSize: -1,
  Size: imageSize
})

/** The body of `GET /images/{name}/json`. */
const imageView = ({ command, created, id, tags }: MemoryImage) => ({
  Id: id,
  RepoTags: tags,
  RepoDigests: [],
  Parent: "",
  Comment: "",
  Created: nanosTimestamp(created),
  Author: "",
  Config: { Cmd: command, Entrypoint: null, Env: ["PATH=/bin"], Labels: null, WorkingDir: "", User: "" },
  Architecture: "amd64",
  Os: "linux",
  Size: imageSize,
  RootFS: { Type: "layers", Layers: [id] },
  Metadata: { LastTagTime: nanosTimestamp(created) }
})

/** Converts a `reference` filter, a glob whose wildcards stop at slashes, to a regular expression. */
const globPattern = (glob: string): RegExp =>
  new RegExp(
    `^${glob
      .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", "[^/]*")
      .replaceAll("?", "[^/]")}$`
  )

const list = ({ query, state }: Call) =>
  Effect.gen(function* () {
    const filters = yield* query.filters(["before", "dangling", "label", "reference", "since", "until"])
    const dangling = yield* filters.boolean("dangling")
    const createdAt = (key: string) =>
      Effect.forEach(filters.get(key), (name) => Effect.map(state.images.find(name), ({ created }) => created))
    const before = yield* createdAt("before")
    const since = yield* createdAt("since")
    const images = [...state.images.values()].filter(
      ({ created, tags }) =>
        filters.any("reference", (value) => {
          const pattern = globPattern(value)
          return tags.some((tag) => pattern.test(tag) || pattern.test(tag.replace(/:[^:/]*$/, "")))
        }) &&
        filters.labels({}) &&
        (dangling === undefined || dangling === (tags.length === 0)) &&
        before.every((time) => created < time) &&
        since.every((time) => created > time)
    )
    return jsonResponse(200, images.toReversed().map(imageSummary))
  })

const tag = (call: Call) =>
  Effect.gen(function* () {
    const image = yield* targetImage(call)
    const { query, state } = call
    const repository = query.text("repo") ?? ""
    const tag = query.text("tag") ?? ""
    if (!/^[a-z0-9][a-z0-9._/:-]*$/.test(repository)) {
      const message = /[A-Z]/.test(repository)
        ? `invalid reference format: repository name (library/${repository}) must be lowercase`
        : "invalid reference format"
      return yield* errorResponse(400, message)
    }
    if (tag !== "" && !/^\w[\w.-]{0,127}$/.test(tag)) return yield* errorResponse(400, "invalid tag format")
    const name = tag === "" ? withDefaultTag(repository) : `${repository}:${tag}`
    for (const other of state.images.values()) other.tags = other.tags.filter((existing) => existing !== name)
    image.tags = [...image.tags, name]
    yield* state.journal.publish("image", "tag", image.id, { name })
    return jsonResponse(201)
  })

/** Removes tags from an image, and the image with its last tag unless a container uses it. Returns what was removed. */
const untag = (state: EngineState, image: MemoryImage, tags: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const removed: Array<Record<string, string>> = []
    for (const tag of tags) {
      removed.push({ Untagged: tag })
      yield* state.journal.publish("image", "untag", image.id, { name: image.id })
    }
    image.tags = image.tags.filter((tag) => !tags.includes(tag))
    if (image.tags.length === 0 && usersOf(state, image).length === 0) {
      state.images.delete(image.id)
      removed.push({ Deleted: image.id })
      yield* state.journal.publish("image", "delete", image.id, { name: image.id })
    }
    return removed
  })

/** Why an image cannot be removed, if it cannot. */
const removalConflict = (
  { parameter, query, state }: Call,
  image: MemoryImage,
  byTag: boolean
): ErrorResponse | undefined => {
  const force = query.flag("force")
  const short = image.id.replace(/^sha256:/, "").slice(0, 12)
  const conflict = (message: string) => errorResponse(409, `conflict: unable to ${message}`)
  const users = usersOf(state, image)
  const [user] = users
  if (user !== undefined && (!byTag || image.tags.length === 1)) {
    const running = users.find(isRunning)
    if (byTag && !force) {
      const reason = `container ${user.id.slice(0, 12)} is using its referenced image ${short}`
      return conflict(`remove repository reference "${parameter}" (must force) - ${reason}`)
    }
    if (!byTag && running !== undefined) {
      const reason = `image is being used by running container ${running.id.slice(0, 12)}`
      return conflict(`delete ${short} (cannot be forced) - ${reason}`)
    }
    if (!byTag && !force) {
      const reason = `image is being used by stopped container ${user.id.slice(0, 12)}`
      return conflict(`delete ${short} (must be forced) - ${reason}`)
    }
  }
  return !byTag && image.tags.length > 1 && !force
    ? conflict(`delete ${short} (must be forced) - image is referenced in multiple repositories`)
    : undefined
}

const remove = (call: Call) =>
  Effect.gen(function* () {
    const image = yield* targetImage(call)
    const tag = withDefaultTag(call.parameter)
    const byTag = image.tags.includes(tag)
    const conflict = removalConflict(call, image, byTag)
    if (conflict !== undefined) return yield* conflict
    return jsonResponse(200, yield* untag(call.state, image, byTag ? [tag] : image.tags))
  })

const prune = ({ query, state }: Call) =>
  Effect.gen(function* () {
    const filters = yield* query.filters(["dangling", "label", "label!", "until"])
    const dangling = (yield* filters.boolean("dangling")) ?? true
    const until = yield* filters.until(yield* state.clock.now, 500)
    const removed: Array<Record<string, string>> = []
    for (const image of state.images.values()) {
      if ((dangling && image.tags.length > 0) || usersOf(state, image).length > 0) continue
      if (!filters.labels({}) || (until !== undefined && image.created > until)) continue
      removed.push(...(yield* untag(state, image, image.tags)))
    }
    const reclaimed = removed.filter(({ Deleted }) => Deleted !== undefined).length * imageSize
    yield* state.journal.publish("image", "prune", "", { reclaimed: String(reclaimed) })
    return jsonResponse(200, { ImagesDeleted: removed.length === 0 ? null : removed, SpaceReclaimed: reclaimed })
  })

const buildCacheFilters = [
  "description",
  "id",
  "inuse",
  "label",
  "parent",
  "private",
  "shared",
  "type",
  "unused-for",
  "until"
]

/** There is never a build cache: nothing can be built. */
const pruneBuildCache = ({ query }: Call) =>
  query.filters(buildCacheFilters).pipe(
    Effect.mapError(({ message, status }) => errorResponse(status, `failed to prune build cache: ${message}`)),
    Effect.as(jsonResponse(200, { CachesDeleted: null, SpaceReclaimed: 0 }))
  )

/** The error of an engine without network access, when it contacts a registry. */
const registryUnreachable = () =>
  errorResponse(500, 'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host')

/** The routes of `/images` and `/build`. */
export const imageRoutes: Routes = {
  "GET /images/json": list,
  "GET /images/{name}/json": (call) => Effect.map(targetImage(call), (image) => jsonResponse(200, imageView(image))),
  "POST /images/{name}/tag": tag,
  "DELETE /images/{name}": remove,
  "POST /images/prune": prune,
  "POST /build/prune": pruneBuildCache,
  "POST /images/create": ({ query }) =>
    query.text("fromImage") === undefined
      ? errorResponse(501, "MemoryEngine does not support importing images")
      : registryUnreachable(),
  "POST /images/{name}/push": registryUnreachable,
  "POST /build": () => errorResponse(501, "MemoryEngine does not support building images")
}
