import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { DockerRequest } from "../../Docker.js"
import type { Answer, Routes } from "./answers.js"
import { archiveRoutes } from "./archiveRoutes.js"
import { attachRoutes } from "./attachRoutes.js"
import { containerRoutes } from "./containerRoutes.js"
import type { EngineState } from "./engineState.js"
import { eventRoutes } from "./eventRoutes.js"
import { execRoutes } from "./execRoutes.js"
import { imageRoutes } from "./imageRoutes.js"
import { logRoutes } from "./logRoutes.js"
import { networkRoutes } from "./networkRoutes.js"
import { Query } from "./query.js"
import { type Refusal, refusal } from "./refusal.js"
import { statsRoutes } from "./statsRoutes.js"
import { systemRoutes } from "./systemRoutes.js"
import { volumeRoutes } from "./volumeRoutes.js"

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
): Effect.Effect<Answer, Refusal, Scope.Scope> => {
  for (const { handler, pattern } of compiled) {
    const match = pattern.exec(`${method} ${path}`)
    if (match === null) continue
    const parameter = decoded(match[1] ?? "")
    return handler({ state, parameter, query: new Query(query ?? {}), body: sent(body), upload, upgrade })
  }
  return refusal(404, "page not found")
}
