import type { ConfigError } from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import type { Docker } from "@dockwire/core/Docker"
import type { InvalidRequest } from "@dockwire/core/DockerError"
import type { LogSink } from "@dockwire/core/LogSink"
import { ServiceScope } from "./serviceScope.js"

/** What every call needs: the engine, and where to send events. Other services are built when they are needed. */
export type CompatServices = Docker | LogSink | ServiceScope

/** Where the services find the engine, the sink and the compose files. */
interface ServicesOptions {
  readonly endpoint?: string
  readonly layer?: Layer.Layer<Docker, InvalidRequest | ConfigError>
  readonly logSink?: Layer.Layer<LogSink>
  readonly composeDir: string
  readonly warn: (message: string) => void
  /** The Docker configuration is broken, so that the services are made without it. */
  readonly onBrokenConfiguration: () => void
}

/** Core's door to the engine, loaded with the first call. */
const loadDocker = Effect.promise(() => import("@dockwire/core/Docker"))

const noSink = Layer.unwrapEffect(
  Effect.map(
    Effect.promise(() => import("@dockwire/core/LogSink")),
    ({ LogSink }) => LogSink.layerNone
  )
)

/** Effect's own logger writes to stdout, which belongs to the program. */
const warningLogger = (warn: (message: string) => void) =>
  Logger.replace(
    Logger.defaultLogger,
    Logger.make(({ logLevel, message }) => {
      if (LogLevel.greaterThanEqual(logLevel, LogLevel.Warning))
        warn(Array.isArray(message) ? message.join(" ") : String(message))
    })
  )

/** The services of the options. Nothing is loaded, and nothing connects, before the layer is built. */
export const servicesLayer = ({
  composeDir,
  endpoint,
  layer,
  logSink,
  onBrokenConfiguration,
  warn
}: ServicesOptions): Layer.Layer<CompatServices, InvalidRequest | ConfigError> => {
  const chosen = Layer.unwrapEffect(
    Effect.flatMap(loadDocker, ({ Docker }) =>
      endpoint !== undefined
        ? Effect.succeed(Docker.layer({ endpoint }))
        : Effect.map(Docker.configured, (found) => {
            if (found.warning !== undefined) onBrokenConfiguration()
            return Docker.layer(found)
          })
    )
  )
  // What is no layer fails when it is built.
  return Layer.suspend(() =>
    Layer.mergeAll(layer ?? chosen, logSink ?? noSink, ServiceScope.layer(composeDir)).pipe(
      Layer.provideMerge(warningLogger(warn))
    )
  )
}
