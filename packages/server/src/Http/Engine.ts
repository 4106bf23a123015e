/** The handlers of `EngineApi`. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as Effect from "effect/Effect"
import { Api } from "../Api/Api.js"
import { EngineMonitor } from "../engine/EngineMonitor.js"

export const layer = HttpApiBuilder.group(Api, "engine", (handlers) =>
  Effect.map(EngineMonitor, (monitor) => handlers.handle("status", () => Effect.sync(monitor.status)))
)
