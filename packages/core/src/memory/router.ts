import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { DockerRequest } from "../Docker.js"
import type { Routes } from "./calls/call.js"
import { Query } from "./calls/query.js"
import type { EngineResponse } from "./calls/response.js"
import { archiveRoutes } from "./routes/archiveRoutes.js"
import { attachRoutes } from "./routes/attachRoutes.js"
import { containerLifecycleRoutes } from "./routes/containerLifecycleRoutes.js"
import { containerRoutes } from "./routes/containerRoutes.js"
import { eventRoutes } from "./routes/eventRoutes.js"
import { execRoutes } from "./routes/execRoutes.js"
import { imageRoutes } from "./routes/images/imageRoutes.js"
import { logRoutes } from "./routes/logRoutes.js"
import { networkRoutes } from "./routes/networkRoutes.js"
import { statsRoutes } from "./routes/statsRoutes.js"
import { systemRoutes } from "./routes/systemRoutes.js"
import { volumeRoutes } from "./routes/volumeRoutes.js"
import type { EngineState } from "./state/engineState.js"
import { type ErrorResponse, errorResponse } from "./state/errorResponse.js"

const routes: Routes = {
  ...archiveRoutes,
  ...attachRoutes,
  ...containerLifecycleRoutes,
  ...containerRoutes,
  ...eventRoutes,
  ...execRoutes,
  ...imageRoutes,
  ...logRoutes,
  ...networkRoutes,
  ...statsRoutes,
  ...systemRoutes,
  ...volumeRoutes
}

// Image names can contain slashes, ids cannot.
const compiledRoutes = Object.entries(routes).map(([route, handler]) => {
  const pattern = route.replaceAll(".", "\\.").replace("{id}", "([^/]+)").replace("{name}", "(.+)")
  return { pattern: new RegExp(`^${pattern}$`), handler }
})

const decodeParameter = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The body as it arrives after being sent as JSON. */
const throughJson = (body: unknown): unknown => {
  const text = JSON.stringify(body)
  const parsed: unknown = text === undefined ? undefined : JSON.parse(text)
  return parsed
}

/** Passes a request to the handler of its route. */
export const routeRequest = (
  state: EngineState,
  { body, headers = {}, method, path, query, upload = Stream.empty }: DockerRequest,
  upgrade: boolean
): Effect.Effect<EngineResponse, ErrorResponse, Scope.Scope> => {
  for (const { handler, pattern } of compiledRoutes) {
    const match = pattern.exec(`${method} ${path}`)
    if (match === null) continue
    const parameter = decodeParameter(match[1] ?? "")
    const call = { state, parameter, query: new Query(query ?? {}), headers, body: throughJson(body), upload, upgrade }
    return handler(call)
  }
  return errorResponse(404, "page not found")
}
