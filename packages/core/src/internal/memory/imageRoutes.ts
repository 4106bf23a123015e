import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { nanosTimestamp } from "../logTime.js"
import { type Call, found, type Routes, whole } from "./answers.js"
import { isRunning } from "./containerLife.js"
import { type EngineState, type MemoryImage, taggedName } from "./engineState.js"
import { type Refusal, refusal } from "./refusal.js"

const size = 2_000_000

/** An image that the engine has. */
export const addImage = (
  state: EngineState,
  name: string,
  command: ReadonlyArray<string>
): Effect.Effect<MemoryImage> =>
  Effect.map(state.clock.now, (created) => {
    const tag = taggedName(name)
    const id = `sha256:${createHash("sha256").update(tag).digest("hex")}`
    const image: MemoryImage = { id, tags: [tag], created, command }
    state.images.set(id, image)
    return image
  })

const imageOf = ({ parameter, state }: Call): Effect.Effect<MemoryImage, Refusal> =>
  Effect.suspend(() => found(state.image(parameter)))

const usersOf = (state: EngineState, image: MemoryImage) =>
  [...state.containers.values()].filter((container) => container.image === image)

const summary = ({ created, id, tags }: MemoryImage) => ({
  Containers: -1,
  Created: Number(created / 1_000_000_000n),
  Id: id,
  Labels: null,
  ParentId: "",
  RepoDigests: [],
  RepoTags: tags,
  SharedSize: -1,
  Size: size
})

const shortId = (id: string) => id.replace(/^sha256:/, "").slice(0, 12)

const remove = (call: Call) =>
  Effect.gen(function* () {
    const { parameter, query, state } = call
    const image = yield* imageOf(call)
    const force = query.flag("force")
    const users = usersOf(state, image)
    const tag = taggedName(parameter)
    const byTag = image.tags.includes(tag)
    const [user] = users
    const short = shortId(image.id)
    if (user !== undefined && (!byTag || image.tags.length === 1)) {
      const running = users.find(isRunning)
      if (byTag && !force) {
        const words = `conflict: unable to remove repository reference "${parameter}" (must force) - container ${user.id.slice(0, 12)} is using its referenced image ${short}`
        return yield* refusal(409, words)
      }
      if (!byTag && running !== undefined) {
        const words = `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container ${running.id.slice(0, 12)}`
        return yield* refusal(409, words)
      }
      if (!byTag && !force) {
        const words = `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container ${user.id.slice(0, 12)}`
        return yield* refusal(409, words)
      }
    }
    if (!byTag && image.tags.length > 1 && !force) {
      const words = `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`
      return yield* refusal(409, words)
    }
    const gone = byTag ? [tag] : image.tags
    const removed: Array<Record<string, string>> = []
    for (const one of gone) {
      removed.push({ Untagged: one })
      yield* state.journal.add("image", "untag", image.id, { name: image.id })
    }
    image.tags = image.tags.filter((one) => !gone.includes(one))
    if (image.tags.length === 0 && users.length === 0) {
      state.images.delete(image.id)
      removed.push({ Deleted: image.id })
      yield* state.journal.add("image", "delete", image.id, { name: image.id })
    }
    return whole(200, removed)
  })

/** What `/images` asks for. */
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
      return whole(200, [...images].reverse().map(summary))
    }),
  "GET /images/{name}/json": (call) =>
    Effect.map(imageOf(call), (image) =>
      whole(200, {
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
        Size: size,
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
        return yield* refusal(400, words)
      }
      if (tag !== "" && !/^\w[\w.-]{0,127}$/.test(tag)) return yield* refusal(400, "invalid tag format")
      const name = tag === "" ? taggedName(repository) : `${repository}:${tag}`
      for (const other of state.images.values()) other.tags = other.tags.filter((one) => one !== name)
      image.tags = [...image.tags, name]
      yield* state.journal.add("image", "tag", image.id, { name })
      return whole(201)
    }),
  "DELETE /images/{name}": remove,
  // It has no network, so its answers are those of an engine that can't reach a registry.
  "POST /images/create": ({ query }) =>
    query.text("fromImage") === undefined
      ? refusal(501, "this engine is in memory: it imports no images")
      : refusal(500, 'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host'),
  "POST /images/{name}/push": () =>
    refusal(500, 'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host'),
  "POST /build": () => refusal(501, "this engine is in memory: it builds no images")
}
