/** The handlers of `VolumesApi`. */
import { Volumes } from "@dockwire/core/Volumes"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Effect from "effect/Effect"
import { Api } from "../../Api/Api.js"
import { toErrorBody } from "../../Api/Errors.js"
import { withoutRaw } from "../response/withoutRaw.js"

export const layer = HttpApiBuilder.group(Api, "volumes", (handlers) =>
  Effect.map(Volumes, (volumes) =>
    handlers
      .handle("list", ({ urlParams: { raw = false, ...filters } }) =>
        volumes.list(filters).pipe(
          Effect.map((all) => all.map((volume) => withoutRaw(volume, raw))),
          Effect.mapError(toErrorBody)
        )
      )
      .handle("inspect", ({ path: { name }, urlParams: { raw = false } }) =>
        volumes.inspect(name).pipe(
          Effect.map((volume) => withoutRaw(volume, raw)),
          Effect.mapError(toErrorBody)
        )
      )
      .handle("create", ({ payload, urlParams: { raw = false } }) =>
        volumes.create(payload).pipe(
          Effect.map((volume) => withoutRaw(volume, raw)),
          Effect.mapError(toErrorBody)
        )
      )
      .handle("remove", ({ path: { name }, urlParams }) =>
        Effect.mapError(volumes.remove(name, urlParams), toErrorBody)
      )
  )
)
