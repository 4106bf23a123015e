/** The handlers of `SystemApi`. */
import { Events } from "@dockwire/core/Events"
import { System } from "@dockwire/core/System"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Effect from "effect/Effect"
import { Api } from "../../Api/Api.js"
import { toErrorBody } from "../../Api/Errors.js"
import { withoutRaw } from "../response/withoutRaw.js"
import { eventsResponse } from "./eventsResponse.js"

export const layer = HttpApiBuilder.group(Api, "system", (handlers) =>
  Effect.gen(function* () {
    const events = yield* Events
    const system = yield* System
    return handlers
      .handle("report", ({ urlParams: { disk = true, raw = false } }) =>
        Effect.all(
          {
            version: system.version(),
            info: system.info(),
            disk: disk ? system.diskUsage() : Effect.succeed(undefined)
          },
          { concurrency: 3 }
        ).pipe(
          Effect.map(({ disk, info, version }) => ({
            version: withoutRaw(version, raw),
            info: withoutRaw(info, raw),
            ...(disk === undefined ? {} : { disk: withoutRaw(disk, raw) })
          })),
          Effect.mapError(toErrorBody)
        )
      )
      .handleRaw("events", ({ headers, urlParams }) =>
        Effect.mapError(eventsResponse(events, urlParams, headers["last-event-id"]), toErrorBody)
      )
  })
)
