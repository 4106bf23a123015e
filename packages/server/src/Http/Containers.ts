/** The containers over HTTP: a line each. */
import { Containers } from "@dockwire/core/Containers"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Effect from "effect/Effect"
import { Api } from "../Api/Api.js"
import { withMessage } from "../Api/Errors.js"
import { EngineMonitor } from "../engine/EngineMonitor.js"

/** Handlers of `ContainersApi`. */
export const layer = HttpApiBuilder.group(Api, "containers", (handlers) =>
  Effect.gen(function* () {
    const containers = yield* Containers
    const monitor = yield* EngineMonitor

    /** A failed action is told to every viewer too, as whoever asked may not be the only one who waits for it. */
    const act = <E extends { readonly message: string }>(id: string, action: string, effect: Effect.Effect<void, E>) =>
      effect.pipe(
        Effect.tapError((error) => Effect.sync(() => monitor.reportFailure(id, action, error.message))),
        Effect.mapError(withMessage)
      )

    return handlers
      .handle("list", () => Effect.mapError(containers.list({ all: true }), withMessage))
      .handle("inspect", ({ path }) => Effect.mapError(containers.inspect(path.id), withMessage))
      .handle("start", ({ path }) => act(path.id, "start", containers.start(path.id)))
      .handle("stop", ({ path }) => act(path.id, "stop", containers.stop(path.id)))
      .handle("restart", ({ path }) => act(path.id, "restart", containers.restart(path.id)))
  })
)
