import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { InvalidRequest } from "../../DockerError.js"
import { nanosTimestamp } from "../../internal/api/engineTime.js"
import { type Call, found, type Routes, jsonResponse } from "../calls/response.js"
import { isRunning } from "../containers/startContainer.js"
import { type EngineState, type MemoryImage } from "../state/engineState.js"
import { withDefaultTag } from "../programs/imageReference.js"
import { cleanPath, ensureDirectory, type MemoryDirectory, newDirectory, pathSegments } from "../state/fileTree.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"

/** Files by their absolute paths. */
export type FileContents = Readonly<Record<string, string | Uint8Array>>

/** Bytes of every image. */
export const imageSize = 2_000_000

/** The folders that every image has. */
const standardFolders = ["bin", "dev", "etc", "home", "proc", "root", "sys", "tmp", "usr", "var"]

/** An image that the engine has. */
export const addImage = (
  state: EngineState,
  name: string,
  command: ReadonlyArray<string>,
  contents: FileContents = {}
): Effect.Effect<MemoryImage, InvalidRequest> =>
  Effect.gen(function* () {
    const created = yield* state.clock.now
    const files = newDirectory(created)
    for (const folder of standardFolders) files.children.set(folder, newDirectory(created, modes[folder]))
    yield* addFiles(files, contents, created)
    const tag = withDefaultTag(name)
    const id = `sha256:${createHash("sha256").update(tag).digest("hex")}`
    const image: MemoryImage = { id, tags: [tag], created, command, files }
    state.images.set(id, image)
    return image
  })

const modes: Readonly<Record<string, number>> = { root: 0o700, tmp: 0o1777 }

/** Puts files in a root, with the folders that they need. */
export const addFiles = (
  root: MemoryDirectory,
  contents: FileContents,
  now: bigint
): Effect.Effect<void, InvalidRequest> =>
  Effect.gen(function* () {
    for (const [path, content] of Object.entries(contents)) {
      const parts = pathSegments(cleanPath(path))
      const name = parts.at(-1)
      const folder = ensureDirectory(root, parts.slice(0, -1).join("/"), now)
      const invalid = (detail: string) => new InvalidRequest({ field: "files", value: path, detail })
      if (!path.startsWith("/") || path.endsWith("/") || name === undefined)
        return yield* invalid("give the absolute path of a file")
      if (folder === undefined || folder.children.get(name)?.kind === "directory")
        return yield* invalid("a file and a folder can't be in the same place")
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : Uint8Array.from(content)
      folder.children.set(name, { kind: "file", content: bytes, mode: 0o644, uid: 0, gid: 0, modified: now })
      folder.modified = now
    }
  })

const imageOf = ({ parameter, state }: Call): Effect.Effect<MemoryImage, ErrorResponse> =>
  Effect.suspend(() => found(state.image(parameter)))

const usersOf = (state: EngineState, image: MemoryImage) =>
  [...state.containers.values()].filter((container) => container.image === image)

/** An image as the engine shows it. */
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

const shortId = (id: string) => id.replace(/^sha256:/, "").slice(0, 12)

/** Takes names from an image, which is gone with the last one where nobody uses it. */
const dropped = (state: EngineState, image: MemoryImage, tags: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const removed: Array<Record<string, string>> = []
    for (const one of tags) {
      removed.push({ Untagged: one })
      yield* state.journal.publish("image", "untag", image.id, { name: image.id })
    }
    image.tags = image.tags.filter((one) => !tags.includes(one))
    if (image.tags.length === 0 && usersOf(state, image).length === 0) {
      state.images.delete(image.id)
      removed.push({ Deleted: image.id })
      yield* state.journal.publish("image", "delete", image.id, { name: image.id })
    }
    return removed
  })

const remove = (call: Call) =>
  Effect.gen(function* () {
    const { parameter, query, state } = call
    const image = yield* imageOf(call)
    const force = query.flag("force")
    const users = usersOf(state, image)
    const tag = withDefaultTag(parameter)
    const byTag = image.tags.includes(tag)
    const [user] = users
    const short = shortId(image.id)
    if (user !== undefined && (!byTag || image.tags.length === 1)) {
      const running = users.find(isRunning)
      if (byTag && !force) {
        const words = `conflict: unable to remove repository reference "${parameter}" (must force) - container ${user.id.slice(0, 12)} is using its referenced image ${short}`
        return yield* errorResponse(409, words)
      }
      if (!byTag && running !== undefined) {
        const words = `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container ${running.id.slice(0, 12)}`
        return yield* errorResponse(409, words)
      }
      if (!byTag && !force) {
        const words = `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container ${user.id.slice(0, 12)}`
        return yield* errorResponse(409, words)
      }
    }
    if (!byTag && image.tags.length > 1 && !force) {
      const words = `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`
      return yield* errorResponse(409, words)
    }
    return jsonResponse(200, yield* dropped(state, image, byTag ? [tag] : image.tags))
  })

const buildFilters = [
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

/** What `/images` and `/build` ask for. */
export const imageRoutes: Routes = {
  "GET /images/json": ({ query, state }) =>
    Effect.gen(function* () {
      const filters = yield* query.filters(["before", "dangling", "label", "reference", "since", "until"])
      const dangling = yield* filters.boolean("dangling")
      const createdAt = (key: string) =>
        Effect.forEach(filters.get(key), (name) => Effect.map(found(state.image(name)), ({ created }) => created))
      const before = yield* createdAt("before")
      const since = yield* createdAt("since")
      const pattern = (value: string) =>
        new RegExp(
          `^${value
            .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
            .replaceAll("*", "[^/]*")
            .replaceAll("?", "[^/]")}$`
        )
      const images = [...state.images.values()].filter(
        ({ created, tags }) =>
          filters.any("reference", (value) =>
            tags.some((tag) => pattern(value).test(tag) || pattern(value).test(tag.replace(/:[^:/]*$/, "")))
          ) &&
          filters.labels({}) &&
          (dangling === undefined || dangling === (tags.length === 0)) &&
          before.every((moment) => created < moment) &&
          since.every((moment) => created > moment)
      )
      return jsonResponse(200, [...images].reverse().map(imageSummary))
    }),
  "GET /images/{name}/json": (call) =>
    Effect.map(imageOf(call), (image) =>
      jsonResponse(200, {
        Id: image.id,
        RepoTags: image.tags,
        RepoDigests: [],
        Parent: "",
        Comment: "",
        Created: nanosTimestamp(image.created),
        Author: "",
        Config: { Cmd: image.command, Entrypoint: null, Env: ["PATH=/bin"], Labels: null, WorkingDir: "", User: "" },
        Architecture: "amd64",
        Os: "linux",
        Size: imageSize,
        RootFS: { Type: "layers", Layers: [image.id] },
        Metadata: { LastTagTime: nanosTimestamp(image.created) }
      })
    ),
  "POST /images/{name}/tag": (call) =>
    Effect.gen(function* () {
      const image = yield* imageOf(call)
      const { query, state } = call
      const repository = query.text("repo") ?? ""
      const tag = query.text("tag") ?? ""
      if (!/^[a-z0-9][a-z0-9._/:-]*$/.test(repository)) {
        const words = /[A-Z]/.test(repository)
          ? `invalid reference format: repository name (library/${repository}) must be lowercase`
          : "invalid reference format"
        return yield* errorResponse(400, words)
      }
      if (tag !== "" && !/^\w[\w.-]{0,127}$/.test(tag)) return yield* errorResponse(400, "invalid tag format")
      const name = tag === "" ? withDefaultTag(repository) : `${repository}:${tag}`
      for (const other of state.images.values()) other.tags = other.tags.filter((one) => one !== name)
      image.tags = [...image.tags, name]
      yield* state.journal.publish("image", "tag", image.id, { name })
      return jsonResponse(201)
    }),
  "DELETE /images/{name}": remove,
  "POST /images/prune": ({ query, state }) =>
    Effect.gen(function* () {
      const filters = yield* query.filters(["dangling", "label", "label!", "until"])
      const dangling = (yield* filters.boolean("dangling")) ?? true
      const until = yield* filters.until(yield* state.clock.now, 500)
      const removed: Array<Record<string, string>> = []
      for (const image of state.images.values()) {
        if ((dangling && image.tags.length > 0) || usersOf(state, image).length > 0) continue
        if (!filters.labels({}) || (until !== undefined && image.created > until)) continue
        removed.push(...(yield* dropped(state, image, image.tags)))
      }
      const reclaimed = removed.filter(({ Deleted }) => Deleted !== undefined).length * imageSize
      yield* state.journal.publish("image", "prune", "", { reclaimed: String(reclaimed) })
      return jsonResponse(200, { ImagesDeleted: removed.length === 0 ? null : removed, SpaceReclaimed: reclaimed })
    }),
  "POST /build/prune": ({ query }) =>
    // It builds nothing, and so keeps nothing of it.
    query.filters(buildFilters).pipe(
      Effect.mapError(({ message, status }) => errorResponse(status, `failed to prune build cache: ${message}`)),
      Effect.as(jsonResponse(200, { CachesDeleted: null, SpaceReclaimed: 0 }))
    ),
  // It has no network, so its answers are those of an engine that can't reach a registry.
  "POST /images/create": ({ query }) =>
    query.text("fromImage") === undefined
      ? errorResponse(501, "this engine is in memory: it imports no images")
      : errorResponse(
          500,
          'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host'
        ),
  "POST /images/{name}/push": () =>
    errorResponse(500, 'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host'),
  "POST /build": () => errorResponse(501, "this engine is in memory: it builds no images")
}
