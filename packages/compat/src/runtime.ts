import type { ConfigError } from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
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
  /**
   * Receives the reason for a failure that a function's result has no room for, and what is wrong with the Docker
   * configuration. Default: `process.emitWarning`.
   */
  readonly warn?: (message: string) => void
}

/** The services that the functions use. */
export type CompatServices = Containers | Logs

interface RunningServices {
  readonly runtime: ManagedRuntime.ManagedRuntime<CompatServices, CompatSetupError>
  readonly calls: Set<Promise<unknown>>
  /** Whether the next call has to build the services anew: they could not be built, or without a broken configuration. */
  isProvisional: boolean
}

let options: CompatOptions = {}
let current: RunningServices | undefined
/** Services whose connections are being closed. */
const ending = new Set<Promise<void>>()

/** Effect's own logger writes to stdout, which belongs to the program. */
const warningLogger = Logger.replace(
  Logger.defaultLogger,
  Logger.make(({ logLevel, message }) => {
    if (LogLevel.greaterThanEqual(logLevel, LogLevel.Warning))
      warn(Array.isArray(message) ? message.join(" ") : String(message))
  })
)

const makeServices = ({ endpoint, layer }: CompatOptions): RunningServices => {
  const configured = Layer.unwrapEffect(
    Effect.map(Docker.configured, (found) => {
      if (found.warning !== undefined) services.isProvisional = true
      return Docker.layer(found)
    })
  )
  const engine = layer ?? (endpoint === undefined ? configured : Docker.layer({ endpoint }))
  const runtime = ManagedRuntime.make(
    Layer.mergeAll(Containers.layer, Logs.layer).pipe(Layer.provide(engine), Layer.provideMerge(warningLogger))
  )
  const services: RunningServices = { runtime, calls: new Set(), isProvisional: false }
  return services
}

/** Closes the connections of services once their calls have ended. */
const end = (services: RunningServices): void => {
  if (current === services) current = undefined
  const closing = Promise.allSettled(services.calls)
    .then(() => services.runtime.dispose())
    .catch((error: unknown) => warn(`Closing the connections to the engine failed: ${String(error)}`))
    .finally(() => ending.delete(closing))
  ending.add(closing)
}

/** Runs an effect on the shared runtime, which the first call builds. The promise never rejects. */
export const run = async <A, E>(
  effect: Effect.Effect<A, E, CompatServices>
): Promise<Exit.Exit<A, E | CompatSetupError>> => {
  current ??= makeServices(options)
  const services = current
  const call = services.runtime.runPromiseExit(Effect.void).then((built) => {
    if (Exit.isSuccess(built)) return services.runtime.runPromiseExit(effect)
    services.isProvisional = true
    return Exit.failCause(built.cause)
  })
  services.calls.add(call)
  try {
    return await call
  } finally {
    services.calls.delete(call)
    if (services.isProvisional && current === services) end(services)
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
  if (current !== undefined) end(current)
  await Promise.all(ending)
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
