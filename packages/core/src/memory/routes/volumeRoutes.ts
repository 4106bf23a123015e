import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { StringRecord, nullable } from "../../internal/api/decode.js"
import { nanosTimestamp } from "../../internal/api/engineTime.js"
import { type Call, decodeBody, type Routes } from "../calls/call.js"
import { jsonResponse } from "../calls/response.js"
import type { EngineState } from "../state/engineState.js"
import { errorResponse } from "../state/errorResponse.js"
import { directorySize } from "../state/fileTree.js"
import { type MemoryVolume, mountpoint } from "../state/volumeStore.js"

/** A volume in the form that the API shows it. */
export const volumeView = (volume: MemoryVolume) => ({
  CreatedAt: `${nanosTimestamp(volume.created).slice(0, 19)}Z`,
  Driver: "local",
  Labels: volume.labels,
  Mountpoint: mountpoint(volume.name),
  Name: volume.name,
  Options: volume.options,
  Scope: "local"
})

const isUnused = (state: EngineState, { name }: MemoryVolume) => state.volumeUsers(name).length === 0

const list = ({ query, state }: Call) =>
  Effect.gen(function* () {
    const filters = yield* query.filters(["dangling", "driver", "label", "name"])
    const dangling = yield* filters.boolean("dangling")
    const volumes = [...state.volumes.values()].filter(
      (volume) =>
        filters.name(volume.name) &&
        filters.labels(volume.labels ?? {}) &&
        filters.any("driver", (driver) => driver === "local") &&
        (dangling === undefined || dangling === isUnused(state, volume))
    )
    return jsonResponse(200, { Volumes: volumes.map(volumeView), Warnings: null })
  })

const decodeCreate = decodeBody(
  Schema.Struct({
    Name: Schema.optional(Schema.String),
    Driver: Schema.optional(Schema.String),
    DriverOpts: nullable(StringRecord),
    Labels: nullable(StringRecord)
  })
)

const create = (call: Call) =>
  Effect.gen(function* () {
    const { Driver, DriverOpts, Labels, Name = "" } = yield* decodeCreate(call)
    const settings = { name: Name, driver: Driver, options: DriverOpts, labels: Labels }
    return jsonResponse(201, volumeView(yield* call.state.volumes.create(settings)))
  })

const notFound = (name: string) => errorResponse(404, `get ${name}: no such volume`)

const remove = ({ parameter, query, state }: Call) =>
  Effect.gen(function* () {
    const volume = state.volumes.get(parameter)
    if (volume === undefined) {
      return query.flag("force") ? jsonResponse(204) : yield* notFound(parameter)
    }
    const users = state.volumeUsers(parameter).map(({ id }) => id)
    if (users.length > 0) {
      return yield* errorResponse(409, `remove ${parameter}: volume is in use - [${users.join(", ")}]`)
    }
    yield* state.volumes.remove(volume)
    return jsonResponse(204)
  })

const prune = ({ query, state }: Call) =>
  Effect.gen(function* () {
    const filters = yield* query.filters(["label", "label!", "all"])
    const all = (yield* filters.boolean("all")) ?? false
    const deleted: Array<string> = []
    let reclaimed = 0
    for (const volume of state.volumes.values()) {
      const labels = volume.labels ?? {}
      if (!filters.labels(labels) || !filters.withoutLabels(labels)) continue
      if (!(volume.anonymous || all) || !isUnused(state, volume)) continue
      yield* state.volumes.remove(volume)
      deleted.push(volume.name)
      reclaimed += directorySize(volume.files)
    }
    yield* state.journal.publish("volume", "prune", "", { reclaimed: String(reclaimed) })
    return jsonResponse(200, { VolumesDeleted: deleted, SpaceReclaimed: reclaimed })
  })

/** The routes of `/volumes`. */
export const volumeRoutes: Routes = {
  "GET /volumes": list,
  "POST /volumes/create": create,
  "GET /volumes/{name}": ({ parameter, state }) => {
    const volume = state.volumes.get(parameter)
    return volume === undefined ? notFound(parameter) : Effect.succeed(jsonResponse(200, volumeView(volume)))
  },
  "DELETE /volumes/{name}": remove,
  "POST /volumes/prune": prune
}
