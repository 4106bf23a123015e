import * as Cause from "effect/Cause"
import type { ConfigError } from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import type { Docker } from "@dockwire/core/Docker"
import type { InvalidRequest } from "@dockwire/core/DockerError"
import type { LogSink } from "@dockwire/core/LogSink"
import { findComposeDir } from "./run/composeDir.js"
import { defectText } from "./run/defectText.js"
import { ServiceScope } from "./run/serviceScope.js"

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
   * The engine as a layer, such as `MemoryEngine.layer()` in a test. Takes precedence over `endpoint`. It is built on the
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

/** What the functions need: the engine, and where to send events. Other services are built when they are needed. */
export type CompatServices = Docker | LogSink | ServiceScope

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

/** Core's door to the engine, loaded with the first call. */
const loadDocker = Effect.promise(() => import("@dockwire/core/Docker"))

const noSink = Layer.unwrapEffect(
  Effect.map(
    Effect.promise(() => import("@dockwire/core/LogSink")),
    ({ LogSink }) => LogSink.layerNone
  )
)

const makeServices = ({ composeDir, endpoint, layer, logSink }: CompatOptions): RunningServices => {
  const chosen = Layer.unwrapEffect(
    Effect.flatMap(loadDocker, ({ Docker }) =>
      endpoint !== undefined
        ? Effect.succeed(Docker.layer({ endpoint }))
        : Effect.map(Docker.configured, (found) => {
            if (found.warning !== undefined) services.isProvisional = true
            return Docker.layer(found)
          })
    )
  )
  const runtime = ManagedRuntime.make(
    Layer.mergeAll(layer ?? chosen, logSink ?? noSink, ServiceScope.layer(composeDir ?? DOCKER_COMPOSE_DIR)).pipe(
      Layer.provideMerge(warningLogger)
    )
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
