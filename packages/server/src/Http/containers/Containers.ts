/** The handlers of `ContainersApi`. */
import { Containers } from "@dockwire/core/Containers"
import { Exec } from "@dockwire/core/Exec"
import { Logs } from "@dockwire/core/Logs"
import { Stats } from "@dockwire/core/Stats"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Api } from "../../Api/Api.js"
import type { ContainerAction } from "../../Api/Containers.js"
import { jsonLines } from "../../Api/fields/streamed.js"
import { toErrorBody } from "../../Api/Errors.js"
import { EngineMonitor } from "../../engine/EngineMonitor.js"
import { collectOutput, decodeOutput } from "./execResponse.js"
import { logsResponse } from "./logsResponse.js"
import { accepts, begun, streamJson } from "../response/streamResponse.js"
import { withoutRaw } from "../response/withoutRaw.js"

const stopOptions = ({ timeout, ...options }: { readonly timeout?: number; readonly signal?: string }) => ({
  ...options,
  ...(timeout === undefined ? {} : { timeout: timeout < 0 ? Duration.infinity : Duration.seconds(timeout) })
})

export const layer = HttpApiBuilder.group(Api, "containers", (handlers) =>
  Effect.gen(function* () {
    const containers = yield* Containers
    const exec = yield* Exec
    const logs = yield* Logs
    const monitor = yield* EngineMonitor
    const stats = yield* Stats

    /** A failed action is also reported to every viewer: the one who asked may not be the only one waiting for it. */
    const act = <E extends { readonly message: string }>(
      id: string,
      action: ContainerAction | "remove",
      effect: Effect.Effect<unknown, E>
    ) =>
      effect.pipe(
        Effect.asVoid,
        Effect.tapError((error) => Effect.sync(() => monitor.reportFailure(id, action, error.message))),
        Effect.mapError(toErrorBody)
      )

    return handlers
      .handle("list", ({ urlParams }) => Effect.mapError(containers.list(urlParams), toErrorBody))
      .handle("inspect", ({ path: { id }, urlParams: { raw = false } }) =>
        containers.inspect(id).pipe(
          Effect.map((details) => withoutRaw(details, raw)),
          Effect.mapError(toErrorBody)
        )
      )
      .handle("start", ({ path: { id } }) => act(id, "start", containers.start(id)))
      .handle("stop", ({ path: { id }, urlParams }) => act(id, "stop", containers.stop(id, stopOptions(urlParams))))
      .handle("restart", ({ path: { id }, urlParams }) =>
        act(id, "restart", containers.restart(id, stopOptions(urlParams)))
      )
      .handle("kill", ({ path: { id }, urlParams }) => act(id, "kill", containers.kill(id, urlParams.signal)))
      .handle("pause", ({ path: { id } }) => act(id, "pause", containers.pause(id)))
      .handle("unpause", ({ path: { id } }) => act(id, "unpause", containers.unpause(id)))
      .handle("remove", ({ path: { id }, urlParams }) => act(id, "remove", containers.remove(id, urlParams)))
      .handleRaw("logs", ({ path: { id }, request, urlParams }) =>
        Effect.mapError(logsResponse(logs, request, id, urlParams), toErrorBody)
      )
      .handleRaw("stats", ({ path: { id }, request, urlParams }) =>
        urlParams.stream === true
          ? begun(stats.stream(id)).pipe(
              Effect.map((readings) => streamJson(request, readings)),
              Effect.mapError(toErrorBody)
            )
          : Effect.mapError(stats.once(id), toErrorBody)
      )
      .handle("exec", ({ path: { id }, payload, request }) => {
        const { command, stdin, ...settings } = payload
        const options = { ...settings, ...(stdin === undefined ? {} : { stdin: Stream.make(stdin) }) }
        const output = exec.stream(id, command, options)
        return accepts(request, jsonLines)
          ? begun(decodeOutput(output)).pipe(
              Effect.map((elements) => streamJson(request, elements)),
              Effect.mapError(toErrorBody)
            )
          : Effect.mapError(collectOutput(output), toErrorBody)
      })
  })
)
