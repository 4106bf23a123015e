import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { StringRecord, nullable } from "../../internal/api/decode.js"
import { nanosTimestamp } from "../../internal/api/engineTime.js"
import { readBody, type Routes, jsonResponse } from "../calls/response.js"
import { type EngineState, type MemoryVolume, newId } from "../state/engineState.js"
import { newDirectory, sizeOf } from "../state/fileTree.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"

const Body = Schema.Struct({
  Name: Schema.optional(Schema.String),
  Driver: Schema.optional(Schema.String),
  DriverOpts: nullable(StringRecord),
  Labels: nullable(StringRecord)
})

const anonymousLabel = "com.docker.volume.anonymous"

/** A volume as the engine shows it. */
export const volumeView = (volume: MemoryVolume) => ({
  CreatedAt: `${nanosTimestamp(volume.created).slice(0, 19)}Z`,
  Driver: "local",
  Labels: volume.labels,
  Mountpoint: `/var/lib/docker/volumes/${volume.name}/_data`,
  Name: volume.name,
  Options: volume.options,
  Scope: "local"
})

/** The volume of that name, which is made where there is none. */
export const createVolume = (
  state: EngineState,
  { Driver = "local", DriverOpts, Labels, Name = "" }: typeof Body.Type
): Effect.Effect<MemoryVolume, ErrorResponse> =>
  Effect.gen(function* () {
    const name = Name === "" ? newId() : Name
    if (Driver !== "" && Driver !== "local") {
      const words = `create ${name}: error looking up volume plugin ${Driver}: plugin "${Driver}" not found`
      return yield* errorResponse(404, words)
    }
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) {
      const words =
        name.length === 1
          ? `create ${name}: volume name is too short, names should be at least two alphanumeric characters`
          : `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`
      return yield* errorResponse(400, words)
    }
    const option = Object.keys(DriverOpts ?? {}).find((key) => !["type", "o", "device", "size"].includes(key))
    if (option !== undefined) return yield* errorResponse(400, `create ${name}: invalid option: "${option}"`)
    const there = state.volumes.get(name)
    if (there !== undefined) return there
    const now = yield* state.clock.now
    const volume: MemoryVolume = {
      name,
      files: newDirectory(now),
      created: now,
      options: DriverOpts ?? null,
      labels: Name === "" ? { ...Labels, [anonymousLabel]: "" } : (Labels ?? null),
      anonymous: Name === ""
    }
    state.volumes.set(name, volume)
    yield* state.journal.publish("volume", "create", name, { driver: "local" })
    return volume
  })

const isUnused = (state: EngineState, { name }: MemoryVolume) => state.users(name).length === 0

/** What `/volumes` asks for. */
export const volumeRoutes: Routes = {
  "GET /volumes": ({ query, state }) =>
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
    }),
  "POST /volumes/create": (call) =>
    Effect.gen(function* () {
      return jsonResponse(201, volumeView(yield* createVolume(call.state, yield* readBody(Body)(call))))
    }),
  "GET /volumes/{name}": ({ parameter, state }) => {
    const volume = state.volumes.get(parameter)
    return volume === undefined
      ? errorResponse(404, `get ${parameter}: no such volume`)
      : Effect.succeed(jsonResponse(200, volumeView(volume)))
  },
  "DELETE /volumes/{name}": ({ parameter, query, state }) =>
    Effect.gen(function* () {
      const volume = state.volumes.get(parameter)
      if (volume === undefined) {
        if (query.flag("force")) return jsonResponse(204)
        return yield* errorResponse(404, `get ${parameter}: no such volume`)
      }
      const users = state.users(parameter)
      if (users.length > 0) {
        return yield* errorResponse(
          409,
          `remove ${parameter}: volume is in use - [${users.map(({ id }) => id).join(", ")}]`
        )
      }
      state.volumes.delete(parameter)
      yield* state.journal.publish("volume", "destroy", parameter, { driver: "local" })
      return jsonResponse(204)
    }),
  "POST /volumes/prune": ({ query, state }) =>
    Effect.gen(function* () {
      const filters = yield* query.filters(["label", "label!", "all"])
      const all = yield* filters.boolean("all")
      const deleted: Array<string> = []
      let reclaimed = 0
      for (const volume of state.volumes.values()) {
        const { anonymous, labels, name } = volume
        const asked = filters.labels(labels ?? {}) && filters.unlabelled(labels ?? {})
        if (!asked || !(anonymous || all === true) || !isUnused(state, volume)) continue
        state.volumes.delete(name)
        deleted.push(name)
        reclaimed += sizeOf(volume.files)
        yield* state.journal.publish("volume", "destroy", name, { driver: "local" })
      }
      yield* state.journal.publish("volume", "prune", "", { reclaimed: String(reclaimed) })
      return jsonResponse(200, { VolumesDeleted: deleted, SpaceReclaimed: reclaimed })
    })
}
