import type { ConfigError } from "effect/ConfigError"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { Containers } from "@dockwire/core/Containers"
import { Docker } from "@dockwire/core/Docker"
import type { InvalidRequest } from "@dockwire/core/DockerError"
import { Logs } from "@dockwire/core/Logs"

/** Why the services can't be built: the endpoint or the Docker configuration is invalid. */
export type CompatSetupError = InvalidRequest | ConfigError

/**
 * The options of `configure`. All are optional.
 *
 * @since 0.1.0
 * @category models
 */
export interface CompatOptions {
  /** The engine: `unix:///path`, `tcp://host:port` or `ssh://user@host`. Default: the one that the docker command uses. */
  readonly endpoint?: string
  /**
   * The engine as a layer, such as `MemoryEngine.layer()` in a test. Takes precedence over `endpoint`. It is built on the
   * first call that needs it, and released by `dispose` or the next `configure`.
   */
  readonly layer?: Layer.Layer<Docker, CompatSetupError>
  /** Receives the reason for a failure that a function's result has no room for. Default: `process.emitWarning`. */
  readonly warn?: (message: string) => void
}

/** The services that the functions use. */
export type CompatServices = Containers | Logs

interface RunningServices {
  readonly runtime: ManagedRuntime.ManagedRuntime<CompatServices, CompatSetupError>
  readonly calls: Set<Promise<unknown>>
}

let options: CompatOptions = {}
let current: RunningServices | undefined

const engineLayer = ({ endpoint, layer }: CompatOptions): Layer.Layer<Docker, CompatSetupError> =>
  layer ?? (endpoint === undefined ? Docker.layerConfig : Docker.layer({ endpoint }))

const servicesLayer = (options: CompatOptions): Layer.Layer<CompatServices, CompatSetupError> =>
  Layer.mergeAll(Containers.layer, Logs.layer).pipe(Layer.provide(engineLayer(options)))

/** Runs an effect on the shared runtime, which the first call builds. The promise never rejects. */
export const run = async <A, E>(
  effect: Effect.Effect<A, E, CompatServices>
): Promise<Exit.Exit<A, E | CompatSetupError>> => {
  current ??= { runtime: ManagedRuntime.make(servicesLayer(options)), calls: new Set() }
  const { calls, runtime } = current
  const call = runtime.runPromiseExit(effect)
  calls.add(call)
  try {
    return await call
  } finally {
    calls.delete(call)
  }
}

/** Passes a message to the configured `warn` function, or emits it as a process warning. */
export const warn = (message: string): void => {
  try {
    if (options.warn === undefined) process.emitWarning(message, "DockwireWarning")
    else options.warn(message)
  } catch {
    // A `warn` function that throws must not reject the caller's promise.
  }
}

/**
 * Waits for running calls to finish, then closes the connections to the engine, so that the process can exit. A later
 * call connects again.
 *
 * @since 0.1.0
 * @category configuration
 */
export const dispose = async (): Promise<void> => {
  const ended = current
  current = undefined
  if (ended === undefined) return
  await Promise.allSettled(ended.calls)
  await ended.runtime.dispose()
}

/**
 * Sets the options for all later calls, replacing the previous ones. Calls that are already running finish with the
 * options they started with.
 *
 * @example
 * ```ts
 * import { configure, dispose, get_containers } from "@dockwire/compat"
 * import { MemoryEngine } from "@dockwire/core/MemoryEngine"
 *
 * configure({ layer: MemoryEngine.layer({ containers: [{ name: "web", image: "nginx" }] }) })
 * console.log(await get_containers())
 *
 * configure({})
 * await dispose()
 * ```
 *
 * @since 0.1.0
 * @category configuration
 */
export const configure = (next: CompatOptions): void => {
  options = next
  void dispose()
}
