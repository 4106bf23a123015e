/** Keeps the logs of containers in the `LogStore`, whether anybody watches them or not. */
import { Containers } from "@dockwire/core/Containers"
import type { InvalidRequest } from "@dockwire/core/DockerError"
import { Logs } from "@dockwire/core/Logs"
import { System } from "@dockwire/core/System"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { EngineMonitor } from "../engine/EngineMonitor.js"
import { restartAfterDefect, runWhenAvailable } from "../engine/reconnect.js"
import { LogStore } from "../store/LogStore.js"
import type { ContainerKeeper } from "./ContainerKeeper.js"
import { Keepers, type KeepersOptions } from "./Keepers.js"
import { makeRedaction } from "./redaction.js"

/** What is kept, and how. */
export interface LogKeepingOptions extends KeepersOptions {
  /** Expressions in RE2's syntax. What matches one is taken out of lines before they are kept. */
  readonly redact?: ReadonlyArray<string>
}

/** The service behind `LogKeeping`. */
export interface LogKeepingShape {
  /** The full ids of the containers whose logs are being kept. */
  readonly keeping: () => ReadonlyArray<string>
}

/** So many logs of containers that do not run are read at a time. */
const turns = 4

/** What happens to containers in this time is looked at together. */
const settling = "50 millis"

const retryDelay = "1 second"

const make = (options: LogKeepingOptions) =>
  Effect.gen(function* () {
    const store = yield* LogStore
    const containers = yield* Containers
    const system = yield* System
    const { listen, whenAvailable } = yield* EngineMonitor
    const redact = yield* makeRedaction(options.redact ?? [])
    const turn = yield* Effect.makeSemaphore(turns)
    const services = { store, containers, logs: yield* Logs, whenAvailable, redact, turn }
    const keepers = new Keepers(services, options)
    const fibers = yield* FiberMap.make<string, void>()
    const news = yield* Effect.makeLatch(true)
    let hasAddedGone = false
    /** Its name, since it was reached last. */
    let engine: string | undefined

    const run = (found: ReadonlyArray<ContainerKeeper>) =>
      Effect.forEach(
        found,
        (keeper) => {
          const forget = Effect.sync(() => keepers.forget(keeper))
          return FiberMap.run(fibers, keeper.container.id, Effect.ensuring(keeper.run, forget))
        },
        { discard: true }
      )

    const update = Effect.gen(function* () {
      const name = (engine ??= (yield* system.info()).name)
      const listed = yield* containers.list({ all: true })
      yield* run(keepers.update(name, listed))
      if (hasAddedGone) return
      // A store that cannot be read now is asked when it can.
      const stored = yield* Effect.option(store.sources)
      if (Option.isNone(stored)) return
      hasAddedGone = true
      yield* run(keepers.addGone(name, listed, stored.value))
    })

    const updateWhenNews = news.await.pipe(
      Effect.zipRight(Effect.sleep(settling)),
      Effect.zipRight(Effect.sync(() => news.unsafeClose())),
      Effect.zipRight(runWhenAvailable(update, whenAvailable)),
      Effect.catchAll((error) =>
        Effect.logWarning(`Which logs are kept could not be updated: ${error.message}`).pipe(
          Effect.zipRight(Effect.sleep(retryDelay)),
          Effect.zipRight(Effect.sync(() => news.unsafeOpen()))
        )
      )
    )
    yield* listen((element) => {
      if (element._tag === "Resynced") engine = undefined
      if (keepers.hear(element)) news.unsafeOpen()
    })
    yield* Effect.forkScoped(
      Stream.runForEach(store.statusChanges, ({ available }) => (available ? news.open : Effect.void))
    )
    yield* Effect.forkScoped(
      restartAfterDefect(
        Effect.forever(updateWhenNews),
        "Looking for containers whose logs to keep died. It continues."
      )
    )
    return { keeping: () => keepers.ids() } satisfies LogKeepingShape
  })

/** Keeps the logs of containers. */
export class LogKeeping extends Context.Tag("@dockwire/server/LogKeeping")<LogKeeping, LogKeepingShape>() {
  /** Keeps them for as long as the layer lives. */
  static readonly layer = (
    options: LogKeepingOptions
  ): Layer.Layer<LogKeeping, InvalidRequest, Containers | EngineMonitor | Logs | LogStore | System> =>
    Layer.scoped(LogKeeping, make(options))

  /** Keeps none. */
  static readonly layerNone: Layer.Layer<LogKeeping> = Layer.succeed(LogKeeping, { keeping: () => [] })
}
