import { Containers, Docker, type DockerOptions, Events, Logs } from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"

/** Every service of the core that speaks to the engine. */
export type CoreServices = Containers | Docker | Events | Logs

const services = Layer.mergeAll(Containers.layer, Events.layer, Logs.layer)

/** The services for an engine. */
export const coreLayer = (options: DockerOptions) => services.pipe(Layer.provideMerge(Docker.layer(options)))

/** Runs a program against the engine at `endpoint`, in a runtime of its own. */
export const runCore = <A, E>(
  endpoint: string | DockerOptions,
  program: Effect.Effect<A, E, CoreServices>,
  signal?: AbortSignal
): Promise<A> => {
  const options = typeof endpoint === "string" ? { endpoint } : endpoint
  return Effect.runPromise(Effect.provide(program, coreLayer(options)), signal === undefined ? {} : { signal })
}

/** The error that a program fails with; a program that succeeds or dies fails the test. */
export const failureOf = <A, E>(
  endpoint: string | DockerOptions,
  program: Effect.Effect<A, E, CoreServices>
): Promise<E> => runCore(endpoint, Effect.flip(program).pipe(Effect.catchAll(() => Effect.dieMessage("it succeeded"))))

/** All elements of a stream of batches. */
export const collectBatches = <A, E, R>(
  stream: Stream.Stream<ReadonlyArray<A>, E, R>
): Effect.Effect<ReadonlyArray<A>, E, R> =>
  Effect.suspend(() => {
    const all: Array<A> = []
    return Stream.runForEach(stream, (batch) => Effect.sync(() => void all.push(...batch))).pipe(Effect.as(all))
  })
