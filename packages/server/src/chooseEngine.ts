/** Selects the engine of the server, once at startup. */
import { Docker } from "@dockwire/core/Docker"
import type { InvalidRequest } from "@dockwire/core/DockerError"
import type { ConfigError } from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { lstat } from "node:fs/promises"
import type { ServerConfig } from "./Config.js"

/** The selected engine. */
export interface ChosenEngine {
  readonly layer: Layer.Layer<Docker, InvalidRequest>
  /** Why it is the demo, and how to get a real engine. As in `engine_status`; absent for a real engine. */
  readonly demo?: string
}

const nextStep = "To see your own containers, start Docker and restart Dockwire"

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")

/** Whether nothing exists at the path. An inaccessible file and a broken link count as existing. */
const isFree = (path: string): Effect.Effect<boolean> =>
  Effect.promise(() =>
    lstat(path).then(
      () => false,
      (error: unknown) => isMissing(error)
    )
  )

/** Loads the engine in memory only when it is selected. */
const demoEngine = Layer.unwrapEffect(
  Effect.map(
    Effect.promise(() => import("./demo/demoEngine.js")),
    (module) => module.demoEngine
  )
)

/** Selects the engine that the settings ask for. */
export const chooseEngine = ({
  dockerHost,
  engine = "docker"
}: ServerConfig): Effect.Effect<ChosenEngine, InvalidRequest | ConfigError> =>
  Effect.gen(function* () {
    if (engine === "memory") {
      const reason = "Dockwire was started with the engine in memory (--engine memory or DOCKWIRE_ENGINE=memory)."
      return { layer: demoEngine, demo: `${reason} ${nextStep} without this setting.` }
    }
    if (dockerHost !== undefined) return { layer: Docker.layer({ endpoint: dockerHost }) }
    const { configured, ...found } = yield* Docker.configured
    const docker: ChosenEngine = { layer: Docker.layer(found) }
    if (engine === "docker" || configured || !found.endpoint.startsWith("unix://")) return docker
    const socket = found.endpoint.slice("unix://".length)
    if (!(yield* isFree(socket))) return docker
    return {
      layer: demoEngine,
      demo: `No Docker engine is configured, and there is no Docker socket at ${socket}. ${nextStep}.`
    }
  })
