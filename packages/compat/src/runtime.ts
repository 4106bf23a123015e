import * as Cause from "effect/Cause"
import type { ConfigError } from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import type { Docker } from "@dockwire/core/Docker"
import type { InvalidRequest } from "@dockwire/core/DockerError"
import type { LogSink } from "@dockwire/core/LogSink"
import { findComposeDir } from "./run/composeDir.js"
import { defectText } from "./run/defectText.js"
import { type CompatServices, servicesLayer } from "./run/servicesLayer.js"

/**
 * Why the services can't be built: the endpoint or the Docker configuration is invalid.
 *
 * @since 0.1.0
 * @category models
 */
export type CompatSetupError = InvalidRequest | ConfigError

/** The services can't be built. */
export interface SetupFailed {
  readonly _tag: "SetupFailed"
  readonly message: string
}

/**
 * The folder in which `download_compose_file` puts compose files, each in a folder of its own: `/opt/miniman/docker-compose` if
 * that can be written, else `~/.miniman/docker-compose`, and on macOS always the latter. The environment variable of the same
 * name takes precedence.
 *
 * @since 0.1.0
 * @category constants
 */
export const DOCKER_COMPOSE_DIR: string = findComposeDir(process.env, process.platform)

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
   * The engine as a layer, such as `MemoryEngine.layer()` in a test. Takes precedence over `endpoint`. If it provides other
   * services of core too, such as the `Compose` of `MemoryCompose` or of `Compose.layerWith`, they are used. It is built on the
   * first call that needs it, and released by `dispose` or the next `configure`.
   */
  readonly layer?: Layer.Layer<Docker, CompatSetupError>
  /**
   * Receives the reason for a failure that a function's result has no room for, and what is wrong with the Docker
   * configuration. Default: `process.emitWarning`.
   */
  readonly warn?: (message: string) => void
  /** The folder of the compose files. Default: `DOCKER_COMPOSE_DIR`. */
  readonly composeDir?: string
  /**
   * Receives the events of pulls, builds, installations and compose operations, such as `LogSink.layerConsole`. Default: none. A logger with
   * `use_db: false` keeps its operation out of it.
   */
  readonly logSink?: Layer.Layer<LogSink>
}

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

const makeServices = ({ composeDir, endpoint, layer, logSink }: CompatOptions): RunningServices => {
  const runtime = ManagedRuntime.make(
    servicesLayer({
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(layer === undefined ? {} : { layer }),
      ...(logSink === undefined ? {} : { logSink }),
      composeDir: composeDir ?? DOCKER_COMPOSE_DIR,
      warn,
      onBrokenConfiguration: () => {
        services.isProvisional = true
      }
    })
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

const setupFailed = (cause: Cause.Cause<CompatSetupError>): SetupFailed => {
  const error = Cause.squash(cause)
  const isConfigError = Option.exists(Cause.failureOption(cause), ({ _tag }) => _tag !== "InvalidRequest")
  const message = isConfigError ? Cause.pretty(cause) : error instanceof Error ? error.message : defectText(error)
  return { _tag: "SetupFailed", message }
}

/**
 * Runs an effect on the shared runtime, which the first call builds. The promise never rejects. Aborting the signal interrupts
 * the effect.
 */
export const run = async <A, E>(
  effect: Effect.Effect<A, E, CompatServices>,
  signal?: AbortSignal
): Promise<Exit.Exit<A, E | SetupFailed>> => {
  current ??= makeServices(options)
  const services = current
  const call = services.runtime
    .runPromiseExit(Effect.runtime<CompatServices>())
    .then((built): Promise<Exit.Exit<A, E | SetupFailed>> => {
      if (Exit.isSuccess(built)) {
        return Runtime.runPromiseExit(built.value, effect, signal === undefined ? {} : { signal })
      }
      services.isProvisional = true
      return Promise.resolve(Exit.fail(setupFailed(built.cause)))
    })
  services.calls.add(call)
  try {
    return await call
  } finally {
    services.calls.delete(call)
    if (services.isProvisional && current === services) end(services)
  }
}

/** Passes a message to a `warn` function, or without one emits it as a process warning. */
export const warnBy = (receiver: CompatOptions["warn"], message: string): void => {
  try {
    if (receiver === undefined) process.emitWarning(message, "DockwireWarning")
    else receiver(message)
  } catch {
    // A `warn` function that throws must not reject the caller's promise.
  }
}

/** Passes a message to the configured `warn` function, or emits it as a process warning. */
export const warn = (message: string): void => warnBy(options.warn, message)

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
export const configure = (next: CompatOptions = {}): void => {
  options = next ?? {}
  void dispose()
}
