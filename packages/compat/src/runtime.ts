import type { ConfigError } from "effect/ConfigError"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { Containers } from "@dockwire/core/Containers"
import { Docker } from "@dockwire/core/Docker"
import type { InvalidRequest } from "@dockwire/core/DockerError"
import { Logs } from "@dockwire/core/Logs"

/** What the old functions run on. */
export interface CompatOptions {
  /** The engine: `unix:///path`, `tcp://host:port` or `ssh://user@host`. The one that the docker command would use when not given. */
  readonly endpoint?: string
  /** Hears, as a sentence, why a function gave nothing where its result can't say so. Default: a process warning. */
  readonly warn?: (message: string) => void
}

/** What an effect that is run here may use. */
export type CompatServices = Containers | Logs

/** Why these services can't be made. */
export type CompatSetupError = InvalidRequest | ConfigError

interface Running {
  readonly runtime: ManagedRuntime.ManagedRuntime<CompatServices, CompatSetupError>
  readonly calls: Set<Promise<unknown>>
}

let options: CompatOptions = {}
let current: Running | undefined

const makeLayer = ({ endpoint }: CompatOptions): Layer.Layer<CompatServices, CompatSetupError> =>
  Layer.mergeAll(Containers.layer, Logs.layer).pipe(
    Layer.provide(endpoint === undefined ? Docker.layerConfig : Docker.layer({ endpoint }))
  )

/** Runs an effect on the one runtime, which is made when it is first needed. The promise doesn't reject. */
export const run = async <A, E>(
  effect: Effect.Effect<A, E, CompatServices>
): Promise<Exit.Exit<A, E | CompatSetupError>> => {
  current ??= { runtime: ManagedRuntime.make(makeLayer(options)), calls: new Set() }
  const { calls, runtime } = current
  const call = runtime.runPromiseExit(effect)
  calls.add(call)
  try {
    return await call
  } finally {
    calls.delete(call)
  }
}

/** Tells the configured hook, or else the process's warnings. */
export const warn = (message: string): void => {
  try {
    if (options.warn === undefined) process.emitWarning(message, "DockwireWarning")
    else options.warn(message)
  } catch {
    // A hook that throws must not turn an answer into a rejection.
  }
}

/** Closes the connections once the calls that run have ended. A later call opens them again. */
export const dispose = async (): Promise<void> => {
  const ended = current
  current = undefined
  if (ended === undefined) return
  await Promise.allSettled(ended.calls)
  await ended.runtime.dispose()
}

/** Sets how all later calls run, in place of what was set before. Calls that run already end as they began. */
export const configure = (next: CompatOptions): void => {
  options = next
  void dispose()
}
