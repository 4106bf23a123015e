/** The handlers of `NetworksApi`. */
import { Networks } from "@dockwire/core/Networks"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Effect from "effect/Effect"
import { Api } from "../../Api/Api.js"
import { toErrorBody } from "../../Api/Errors.js"
import { withoutRaw } from "../response/withoutRaw.js"

export const layer = HttpApiBuilder.group(Api, "networks", (handlers) =>
  Effect.map(Networks, (networks) =>
    handlers
      .handle("list", ({ urlParams: { raw = false, ...filters } }) =>
        networks.list(filters).pipe(
          Effect.map((all) => all.map((network) => withoutRaw(network, raw))),
          Effect.mapError(toErrorBody)
        )
      )
      .handle("inspect", ({ path: { id }, urlParams: { raw = false } }) =>
        networks.inspect(id).pipe(
          Effect.map((network) => withoutRaw(network, raw)),
          Effect.mapError(toErrorBody)
        )
      )
      .handle("create", ({ payload }) => Effect.mapError(networks.create(payload), toErrorBody))
      .handle("remove", ({ path: { id } }) => Effect.mapError(networks.remove(id), toErrorBody))
      .handle("connect", ({ path: { id }, payload: { container, ...options } }) =>
        Effect.mapError(networks.connect(id, container, options), toErrorBody)
      )
      .handle("disconnect", ({ path: { id }, payload: { container, ...options } }) =>
        Effect.mapError(networks.disconnect(id, container, options), toErrorBody)
      )
  )
)
