/** The handlers of `ContainersApi`. */
import { Containers } from "@dockwire/core/Containers"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Effect from "effect/Effect"
import { Api } from "../Api/Api.js"
import type { ContainerAction } from "../Api/Containers.js"
import { toErrorBody } from "../Api/Errors.js"
import { EngineMonitor } from "../engine/EngineMonitor.js"

export const layer = HttpApiBuilder.group(Api, "containers", (handlers) =>
  Effect.gen(function* () {
    const containers = yield* Containers
    const monitor = yield* EngineMonitor

    /** A failed action is also reported to every viewer: the one who asked may not be the only one waiting for it. */
    const act = <E extends { readonly message: string }>(
      id: string,
      action: ContainerAction,
      effect: Effect.Effect<unknown, E>
    ) =>
      effect.pipe(
        Effect.asVoid,
        Effect.tapError((error) => Effect.sync(() => monitor.reportFailure(id, action, error.message))),
        Effect.mapError(toErrorBody)
      )

    return handlers
      .handle("list", () => Effect.mapError(containers.list({ all: true }), toErrorBody))
      .handle("inspect", ({ path }) => Effect.mapError(containers.inspect(path.id), toErrorBody))
      .handle("start", ({ path }) => act(path.id, "start", containers.start(path.id)))
      .handle("stop", ({ path }) => act(path.id, "stop", containers.stop(path.id)))
      .handle("restart", ({ path }) => act(path.id, "restart", containers.restart(path.id)))
  })
)
