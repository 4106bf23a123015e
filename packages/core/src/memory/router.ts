import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { DockerRequest } from "../Docker.js"
import type { EngineResponse, Routes } from "./calls/response.js"
import { archiveRoutes } from "./routes/archiveRoutes.js"
import { attachRoutes } from "./routes/attachRoutes.js"
import { containerRoutes } from "./routes/containerRoutes.js"
import type { EngineState } from "./state/engineState.js"
import { eventRoutes } from "./routes/eventRoutes.js"
import { execRoutes } from "./routes/execRoutes.js"
import { imageRoutes } from "./routes/imageRoutes.js"
import { logRoutes } from "./routes/logRoutes.js"
import { networkRoutes } from "./routes/networkRoutes.js"
import { Query } from "./calls/query.js"
import { type ErrorResponse, errorResponse } from "./state/errorResponse.js"
import { statsRoutes } from "./routes/statsRoutes.js"
import { systemRoutes } from "./routes/systemRoutes.js"
import { volumeRoutes } from "./routes/volumeRoutes.js"

const routes: Routes = {
  ...archiveRoutes,
  ...attachRoutes,
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

// Names of images may have slashes in them, ids have none.
const compiled = Object.entries(routes).map(([route, handler]) => {
  const pattern = route.replaceAll(".", "\\.").replace("{id}", "([^/]+)").replace("{name}", "(.+)")
  return { pattern: new RegExp(`^${pattern}$`), handler }
})

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** As it is after its way over the wire. */
const sent = (body: unknown): unknown => {
  const text = JSON.stringify(body)
  const parsed: unknown = text === undefined ? undefined : JSON.parse(text)
  return parsed
}

/** Answers a request; what the engine doesn't know is not found. */
export const answer = (
  state: EngineState,
  { body, method, path, query, upload = Stream.empty }: DockerRequest,
  upgrade: boolean
): Effect.Effect<EngineResponse, ErrorResponse, Scope.Scope> => {
  for (const { handler, pattern } of compiled) {
    const match = pattern.exec(`${method} ${path}`)
    if (match === null) continue
    const parameter = decoded(match[1] ?? "")
    return handler({ state, parameter, query: new Query(query ?? {}), body: sent(body), upload, upgrade })
  }
  return errorResponse(404, "page not found")
}
