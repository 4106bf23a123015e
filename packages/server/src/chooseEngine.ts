/** Which engine the server is of: decided once, when it starts. */
import { Docker } from "@dockwire/core/Docker"
import type { InvalidRequest } from "@dockwire/core/DockerError"
import type { ConfigError } from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { lstat } from "node:fs/promises"
import type { ServerConfig } from "./Config.js"

/** An engine, and what is to be told of it. */
export interface ChosenEngine {
  readonly layer: Layer.Layer<Docker, InvalidRequest>
  /** As in `engine_status`. Missing where the engine is a real one. */
  readonly demo?: string
}

const wayOut = "To see your own, start Docker and restart Dockwire"

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")

/** Whether nothing at all stands at the path: what can't be looked at, and a link that leads nowhere, are there. */
const nothingAt = (path: string): Effect.Effect<boolean> =>
  Effect.promise(() =>
    lstat(path).then(
      () => false,
      (error: unknown) => isMissing(error)
    )
  )

/** Loads the engine in memory only when it is chosen. */
const demoEngine = Layer.unwrapEffect(
  Effect.map(
    Effect.promise(() => import("./demo/demoEngine.js")),
    (module) => module.demoEngine
  )
)

/** The engine that the settings mean. */
export const chooseEngine = ({
  dockerHost,
  engine = "docker"
}: ServerConfig): Effect.Effect<ChosenEngine, InvalidRequest | ConfigError> =>
  Effect.gen(function* () {
    if (engine === "memory") {
      return { layer: demoEngine, demo: `Dockwire was started with --engine memory. ${wayOut} without it.` }
    }
    if (dockerHost !== undefined) return { layer: Docker.layer({ endpoint: dockerHost }) }
    const { configured, ...found } = yield* Docker.configured
    const docker: ChosenEngine = { layer: Docker.layer(found) }
    if (engine === "docker" || configured || !found.endpoint.startsWith("unix://")) return docker
    const socket = found.endpoint.slice("unix://".length)
    if (!(yield* nothingAt(socket))) return docker
    return {
      layer: demoEngine,
      demo: `No Docker was configured, or found at ${socket}. ${wayOut}.`
    }
  })
