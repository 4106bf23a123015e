import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Mailbox from "effect/Mailbox"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { DockerRequest, DockerShape } from "../../Docker.js"
import { type DockerFailure, EngineUnavailable, InvalidRequest } from "../../DockerError.js"
import { decodeAnswer, nullable } from "../api/decode.js"
import { EngineContainerState } from "../api/containerState.js"
import { type EngineEvent, openEvents } from "./engineEvents.js"
import { logTimestamp, nanosTimestamp } from "../api/engineTime.js"

/** What a watch looks after. */
export type WatchedType = "container" | "image" | "volume" | "network"

/** What to watch. */
export interface WatchOptions {
  /** All four when not given. */
  readonly types?: ReadonlyArray<WatchedType>
}

/** Something that happened, by what it happened to. `event` is the engine's own. */
export type WatchedEvent =
  | {
      readonly _tag: "ContainerEvent"
      readonly action: string
      readonly containerId: string
      readonly name: string
      readonly image: string
      readonly event: EngineEvent
    }
  | { readonly _tag: "ImageEvent"; readonly action: string; readonly image: string; readonly event: EngineEvent }
  | { readonly _tag: "VolumeEvent"; readonly action: string; readonly volume: string; readonly event: EngineEvent }
  | {
      readonly _tag: "NetworkEvent"
      readonly action: string
      readonly networkId: string
      readonly name: string
      /** The container that was connected or disconnected. */
      readonly containerId?: string
      readonly event: EngineEvent
    }

/** In what the engine differs from what was known of it before a break; what came and went in between leaves no trace. */
export interface EngineChange {
  readonly type: WatchedType
  /** The id; of volumes the name. */
  readonly id: string
  /** Of an image its tags, with commas between. */
  readonly name: string
  readonly change: "added" | "removed" | "changed"
  /** `running`, `exited`, ... of a container, with its health behind a comma where there is one. */
  readonly before?: string
  readonly after?: string
  /** The container runs, and not since before the break. */
  readonly restarted?: boolean
}

/** The connection to the engine was lost: what happens from here on is not seen. */
export interface Disconnected {
  readonly _tag: "Disconnected"
  readonly error: DockerFailure
}

/** The connection is there again, and this is what changed meanwhile; events follow from here on. */
export interface Resynced {
  readonly _tag: "Resynced"
  readonly changes: ReadonlyArray<EngineChange>
}

/** What a watch gives. */
export type WatchElement = WatchedEvent | Disconnected | Resynced

/** What is known of one thing on the engine. */
interface Known {
  readonly name: string
  readonly state?: string
  readonly health?: string
  /** Since when a container runs: by an inspect, or not before the moment of the event that told it. */
  readonly started?: { readonly exactly: string } | { readonly before: string }
}

type Knowledge = Record<WatchedType, Map<string, Known>>

const allTypes: ReadonlyArray<WatchedType> = ["container", "image", "volume", "network"]

const decodeContainers = decodeAnswer(
  Schema.Array(Schema.Struct({ Id: Schema.String, Names: nullable(Schema.Array(Schema.String)), State: Schema.String }))
)
const decodeInspected = decodeAnswer(
  Schema.Struct({
    State: Schema.Struct({
      Status: EngineContainerState,
      StartedAt: Schema.String,
      Health: nullable(Schema.Struct({ Status: Schema.String }))
    })
  })
)
const decodeImages = decodeAnswer(
  Schema.Array(Schema.Struct({ Id: Schema.String, RepoTags: nullable(Schema.Array(Schema.String)) }))
)
const decodeVolumes = decodeAnswer(
  Schema.Struct({ Volumes: nullable(Schema.Array(Schema.Struct({ Name: Schema.String }))) })
)
const decodeNetworks = decodeAnswer(Schema.Array(Schema.Struct({ Id: Schema.String, Name: Schema.String })))

const withoutSlash = (name: string) => name.replace(/^\//, "")

/** Looks the engine through. */
const look = (docker: DockerShape, types: ReadonlyArray<WatchedType>): Effect.Effect<Knowledge, DockerFailure> => {
  const ask = <A>(
    decode: (request: DockerRequest, status: number, body: unknown) => Effect.Effect<A, DockerFailure>,
    path: string,
    query: DockerRequest["query"] = {}
  ) => {
    const request: DockerRequest = { method: "GET", path, query }
    return Effect.flatMap(docker.json(request), ({ body, status }) => decode(request, status, body))
  }
  const container = (Id: string, name: string, state: string) =>
    state === "running" || state === "paused"
      ? ask(decodeInspected, `/containers/${Id}/json`).pipe(
          Effect.map(({ State }): readonly [string, Known] => [
            Id,
            {
              name,
              state: State.Status,
              started: { exactly: State.StartedAt },
              ...(State.Health == null || /^(none)?$/.test(State.Health.Status) ? {} : { health: State.Health.Status })
            }
          ]),
          // It was removed between the two looks: the event of that comes.
          Effect.catchIf(
            (error) => error._tag === "EngineError" && error.status === 404,
            () => Effect.succeed<readonly [string, Known]>([Id, { name, state }])
          )
        )
      : Effect.succeed<readonly [string, Known]>([Id, { name, state }])
  const looks: Record<WatchedType, Effect.Effect<ReadonlyArray<readonly [string, Known]>, DockerFailure>> = {
    container: Effect.flatMap(ask(decodeContainers, "/containers/json", { all: true }), (list) =>
      Effect.forEach(
        list,
        ({ Id, Names, State }) => container(Id, (Names ?? []).map(withoutSlash).toSorted().join(","), State),
        { concurrency: 8 }
      )
    ),
    image: Effect.map(ask(decodeImages, "/images/json"), (list) =>
      list.map(({ Id, RepoTags }) => [Id, { name: (RepoTags ?? []).toSorted().join(",") }] as const)
    ),
    volume: Effect.map(ask(decodeVolumes, "/volumes"), ({ Volumes }) =>
      (Volumes ?? []).map(({ Name }) => [Name, { name: Name }] as const)
    ),
    network: Effect.map(ask(decodeNetworks, "/networks"), (list) =>
      list.map(({ Id, Name }) => [Id, { name: Name }] as const)
    )
  }
  return Effect.map(
    Effect.all({
      container: types.includes("container") ? looks.container : Effect.succeed([]),
      image: types.includes("image") ? looks.image : Effect.succeed([]),
      volume: types.includes("volume") ? looks.volume : Effect.succeed([]),
      network: types.includes("network") ? looks.network : Effect.succeed([])
    }),
    ({ container, image, network, volume }) => ({
      container: new Map(container),
      image: new Map(image),
      volume: new Map(volume),
      network: new Map(network)
    })
  )
}

const shownState = ({ health, state }: Known) =>
  state === undefined ? undefined : health === undefined ? state : `${state}, ${health}`

const isRestarted = (before: Known, after: Known): boolean => {
  if (after.started === undefined || !("exactly" in after.started)) return false
  if (before.started === undefined) return true
  return "exactly" in before.started
    ? before.started.exactly !== after.started.exactly
    : (logTimestamp(after.started.exactly) ?? "") > before.started.before
}

const difference = (before: Knowledge, after: Knowledge): ReadonlyArray<EngineChange> => {
  const states = (old: Known | undefined, now: Known | undefined) => {
    const [was, is] = [old && shownState(old), now && shownState(now)]
    return { ...(was === undefined ? {} : { before: was }), ...(is === undefined ? {} : { after: is }) }
  }
  return allTypes.flatMap((type) => {
    const changes: Array<EngineChange> = []
    for (const [id, old] of before[type]) {
      if (!after[type].has(id)) changes.push({ type, id, name: old.name, change: "removed", ...states(old, undefined) })
    }
    for (const [id, now] of after[type]) {
      const old = before[type].get(id)
      if (old === undefined) changes.push({ type, id, name: now.name, change: "added", ...states(undefined, now) })
      else {
        const restarted = type === "container" && isRestarted(old, now)
        if (restarted || old.name !== now.name || shownState(old) !== shownState(now)) {
          changes.push({
            type,
            id,
            name: now.name,
            change: "changed" as const,
            ...states(old, now),
            ...(restarted ? { restarted } : {})
          })
        }
      }
    }
    return changes
  })
}

const stateAfter: Readonly<Record<string, string>> = {
  start: "running",
  unpause: "running",
  pause: "paused",
  die: "exited"
}

/** Takes an event into account; images are looked at again instead, as their events tell too little. */
const learn = (known: Knowledge, { action, attributes, id, timeNano, type }: EngineEvent): void => {
  if (type === "volume") {
    if (action === "create") known.volume.set(id, { name: id })
    else if (action === "destroy") known.volume.delete(id)
  } else if (type === "network") {
    if (action === "create") known.network.set(id, { name: attributes["name"] ?? "" })
    else if (action === "destroy" || action === "remove") known.network.delete(id)
  } else if (type === "container") {
    const old = known.container.get(id) ?? { name: attributes["name"] ?? "" }
    const state = stateAfter[action]
    const health = /^health_status: (.+)$/.exec(action)?.[1]
    if (action === "destroy") known.container.delete(id)
    else if (action === "create") known.container.set(id, { ...old, state: "created" })
    else if (action === "rename") known.container.set(id, { ...old, name: attributes["name"] ?? old.name })
    else if (action === "start")
      known.container.set(id, { name: old.name, state: "running", started: { before: nanosTimestamp(timeNano) } })
    else if (action === "die") known.container.set(id, { name: old.name, state: "exited" })
    else if (state !== undefined) known.container.set(id, { ...old, state })
    else if (health !== undefined) known.container.set(id, { ...old, health })
  }
}

const typed = (event: EngineEvent): WatchedEvent | undefined => {
  const { action, attributes, id, type } = event
  switch (type) {
    case "container":
      return {
        _tag: "ContainerEvent",
        action,
        containerId: id,
        name: attributes["name"] ?? "",
        image: attributes["image"] ?? "",
        event
      }
    case "image":
      return { _tag: "ImageEvent", action, image: attributes["name"] ?? id, event }
    case "volume":
      return { _tag: "VolumeEvent", action, volume: id, event }
    case "network": {
      const containerId = attributes["container"]
      return {
        _tag: "NetworkEvent",
        action,
        networkId: id,
        name: attributes["name"] ?? "",
        ...(containerId === undefined ? {} : { containerId }),
        event
      }
    }
    default:
      return undefined
  }
}

const firstPause = Duration.millis(100)
const longestPause = Duration.seconds(5)

/** The engine's events for ever, with what changed whenever they could not be heard. */
export const watchEngine = (
  docker: DockerShape,
  options: WatchOptions
): Stream.Stream<WatchElement, InvalidRequest | DockerFailure> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const types = options.types ?? allTypes
      if (types.length === 0) {
        return yield* new InvalidRequest({ field: "types", value: "[]", detail: "choose at least one" })
      }
      const filters = { type: types }
      const elements = yield* Mailbox.make<WatchElement, InvalidRequest | DockerFailure>({ capacity: 1024 })
      let known: Knowledge | undefined
      let pause = firstPause
      let silent = false

      /** Subscribes first and looks then, so that nothing falls in between; goes on until the connection is lost. */
      const connected = Effect.scoped(
        Effect.gen(function* () {
          const events = yield* openEvents(docker, { filters })
          const found = yield* look(docker, types)
          pause = firstPause
          silent = false
          if (known !== undefined) yield* elements.offer({ _tag: "Resynced", changes: difference(known, found) })
          known = found
          yield* Stream.runForEachChunk(events, (chunk) =>
            Effect.gen(function* () {
              let images = false
              for (const event of chunk) {
                learn(found, event)
                images ||= event.type === "image"
              }
              yield* elements.offerAll(
                Chunk.toReadonlyArray(chunk).flatMap((event) => {
                  const element = typed(event)
                  return element === undefined ? [] : [element]
                })
              )
              if (images) found.image = (yield* look(docker, ["image"])).image
            })
          )
          return yield* new EngineUnavailable({
            endpoint: docker.endpoint,
            reason: "Lost",
            detail: "the engine ended its events"
          })
        })
      )
      const forEver: Effect.Effect<never, InvalidRequest | DockerFailure> = Effect.catchAll(connected, (error) =>
        known === undefined
          ? Effect.fail(error)
          : Effect.gen(function* () {
              if (error._tag === "InvalidRequest") return yield* error
              // Said once, however often the engine doesn't answer.
              if (!silent) yield* elements.offer({ _tag: "Disconnected", error })
              silent = true
              yield* Effect.sleep(pause)
              pause = Duration.min(Duration.times(pause, 2), longestPause)
              return yield* forEver
            })
      )
      yield* forEver.pipe(Mailbox.into(elements), Effect.forkScoped)
      return Mailbox.toStream(elements)
    })
  )
