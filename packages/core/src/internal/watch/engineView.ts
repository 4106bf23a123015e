import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { DockerRequest, DockerShape } from "../../Docker.js"
import type { DockerFailure } from "../../DockerError.js"
import { type ContainerState, EngineContainerState } from "../api/containerState.js"
import { decodeResponse, nullable } from "../api/decode.js"
import { ownNameFirst } from "../api/names.js"
import { normalizeTimestamp, nanosTimestamp } from "../api/engineTime.js"
import type { EngineEvent } from "./eventModel.js"
import { type EngineChange, WatchedType } from "./watchElement.js"

/** What a watch knows about one object on the engine. */
interface ObjectView {
  readonly name: string
  /** Containers only. */
  readonly state?: ContainerState
  readonly health?: string
  /** When a running container was started: exactly, from an inspect; or at the latest then, from its start event. */
  readonly started?: { readonly exactly: string } | { readonly atLatest: string }
}

type ObjectsByType = Record<WatchedType, Map<string, ObjectView>>

const decodeContainers = decodeResponse(
  Schema.Array(
    Schema.Struct({ Id: Schema.String, Names: nullable(Schema.Array(Schema.String)), State: EngineContainerState })
  )
)
const decodeInspected = decodeResponse(
  Schema.Struct({
    State: Schema.Struct({
      Status: EngineContainerState,
      StartedAt: Schema.String,
      Health: nullable(Schema.Struct({ Status: Schema.String }))
    })
  })
)
const decodeImages = decodeResponse(
  Schema.Array(Schema.Struct({ Id: Schema.String, RepoTags: nullable(Schema.Array(Schema.String)) }))
)
const decodeVolumes = decodeResponse(
  Schema.Struct({ Volumes: nullable(Schema.Array(Schema.Struct({ Name: Schema.String }))) })
)
const decodeNetworks = decodeResponse(Schema.Array(Schema.Struct({ Id: Schema.String, Name: Schema.String })))

type Entry = readonly [id: string, view: ObjectView]

const get = <A>(
  docker: DockerShape,
  decode: (request: DockerRequest, status: number, body: unknown) => Effect.Effect<A, DockerFailure>,
  path: string,
  query: DockerRequest["query"] = {}
): Effect.Effect<A, DockerFailure> => {
  const request: DockerRequest = { method: "GET", path, query }
  return Effect.flatMap(docker.json(request), ({ body, status }) => decode(request, status, body))
}

/** The list has neither a container's health nor the time of its start: one that runs is inspected as well. */
const readContainer = (
  docker: DockerShape,
  id: string,
  name: string,
  state: ContainerState
): Effect.Effect<Entry, DockerFailure> => {
  if (state !== "running" && state !== "paused") return Effect.succeed<Entry>([id, { name, state }])
  return get(docker, decodeInspected, `/containers/${id}/json`).pipe(
    Effect.map(({ State: { Health, StartedAt, Status } }): Entry => [
      id,
      {
        name,
        state: Status,
        started: { exactly: StartedAt },
        ...(Health == null || /^(none)?$/.test(Health.Status) ? {} : { health: Health.Status })
      }
    ]),
    // Removed since it was listed; its destroy event follows.
    Effect.catchIf(
      (error) => error._tag === "EngineError" && error.status === 404,
      () => Effect.succeed<Entry>([id, { name, state }])
    )
  )
}

const readObjects = (docker: DockerShape, type: WatchedType): Effect.Effect<ReadonlyArray<Entry>, DockerFailure> => {
  switch (type) {
    case "container":
      return Effect.flatMap(get(docker, decodeContainers, "/containers/json", { all: true }), (list) =>
        Effect.forEach(
          list,
          ({ Id, Names, State }) => readContainer(docker, Id, ownNameFirst(Names ?? [])[0] ?? "", State),
          {
            concurrency: 8
          }
        )
      )
    case "image":
      return Effect.map(get(docker, decodeImages, "/images/json"), (list) =>
        list.map(({ Id, RepoTags }): Entry => [Id, { name: (RepoTags ?? []).toSorted().join(",") }])
      )
    case "volume":
      return Effect.map(get(docker, decodeVolumes, "/volumes"), ({ Volumes }) =>
        (Volumes ?? []).map(({ Name }): Entry => [Name, { name: Name }])
      )
    case "network":
      return Effect.map(get(docker, decodeNetworks, "/networks"), (list) =>
        list.map(({ Id, Name }): Entry => [Id, { name: Name }])
      )
  }
}

const displayState = ({ health, state }: ObjectView) =>
  state === undefined ? undefined : health === undefined ? state : `${state}, ${health}`

const isRestarted = (before: ObjectView, after: ObjectView): boolean => {
  if (after.started === undefined || !("exactly" in after.started)) return false
  if (before.started === undefined) return true
  return "exactly" in before.started
    ? before.started.exactly !== after.started.exactly
    : (normalizeTimestamp(after.started.exactly) ?? "") > before.started.atLatest
}

const stateFields = (before: ObjectView | undefined, after: ObjectView | undefined) => {
  const [was, is] = [before && displayState(before), after && displayState(after)]
  return {
    ...(was === undefined ? {} : { before: was }),
    ...(is === undefined ? {} : { after: is }),
    ...(after?.state === undefined ? {} : { state: after.state })
  }
}

const change = (
  type: WatchedType,
  id: string,
  before: ObjectView | undefined,
  after: ObjectView
): EngineChange | undefined => {
  const { name } = after
  if (before === undefined) return { type, id, name, change: "added", ...stateFields(before, after) }
  const restarted = type === "container" && isRestarted(before, after)
  if (!restarted && before.name === name && displayState(before) === displayState(after)) return undefined
  return { type, id, name, change: "changed", ...stateFields(before, after), ...(restarted ? { restarted } : {}) }
}

/** The objects on the engine as far as a watch knows them: read at once, then kept current by events. */
export class EngineView {
  readonly #objects: ObjectsByType = {
    container: new Map(),
    image: new Map(),
    volume: new Map(),
    network: new Map()
  }

  /** Reads all objects of these types from the engine. `GET /containers/json`, `/images/json`, `/volumes`, `/networks` */
  static read(docker: DockerShape, types: ReadonlyArray<WatchedType>): Effect.Effect<EngineView, DockerFailure> {
    const view = new EngineView()
    return Effect.as(
      Effect.forEach(types, (type) => view.refresh(docker, type), { discard: true }),
      view
    )
  }

  /** Reads the objects of one type again. */
  refresh(docker: DockerShape, type: WatchedType): Effect.Effect<void, DockerFailure> {
    return Effect.map(readObjects(docker, type), (entries) => {
      this.#objects[type] = new Map(entries)
    })
  }

  /** How this view differs from an earlier one. */
  changesSince(earlier: EngineView): ReadonlyArray<EngineChange> {
    return WatchedType.literals.flatMap((type) => {
      const changes: Array<EngineChange> = []
      const before = earlier.#objects[type]
      const after = this.#objects[type]
      for (const [id, view] of before) {
        if (!after.has(id))
          changes.push({ type, id, name: view.name, change: "removed", ...stateFields(view, undefined) })
      }
      for (const [id, view] of after) {
        const changed = change(type, id, before.get(id), view)
        if (changed !== undefined) changes.push(changed)
      }
      return changes
    })
  }

  /** Applies an event. Image events say too little to apply: `refresh` images instead. */
  apply(event: EngineEvent): void {
    if (event.type === "container") this.#applyToContainer(event)
    else if (event.type === "volume") {
      if (event.action === "create") this.#objects.volume.set(event.id, { name: event.id })
      else if (event.action === "destroy") this.#objects.volume.delete(event.id)
    } else if (event.type === "network") {
      if (event.action === "create") this.#objects.network.set(event.id, { name: event.attributes["name"] ?? "" })
      else if (event.action === "destroy" || event.action === "remove") this.#objects.network.delete(event.id)
    }
  }

  #applyToContainer({ action, attributes, id, timeNano }: EngineEvent): void {
    const containers = this.#objects.container
    const before = containers.get(id) ?? { name: attributes["name"] ?? "" }
    switch (action) {
      case "destroy":
        containers.delete(id)
        return
      case "create":
        containers.set(id, { ...before, state: "created" })
        return
      case "rename":
        containers.set(id, { ...before, name: attributes["name"] ?? before.name })
        return
      case "start":
        containers.set(id, { name: before.name, state: "running", started: { atLatest: nanosTimestamp(timeNano) } })
        return
      case "die":
        containers.set(id, { name: before.name, state: "exited" })
        return
      case "pause":
        containers.set(id, { ...before, state: "paused" })
        return
      case "unpause":
        containers.set(id, { ...before, state: "running" })
        return
    }
    const health = /^health_status: (.+)$/.exec(action)?.[1]
    if (health !== undefined) containers.set(id, { ...before, health })
  }
}
