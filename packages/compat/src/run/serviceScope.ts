import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"

/** Where the services of a runtime live that are built when they are first needed. */
export class ServiceScope extends Context.Tag("@dockwire/compat/ServiceScope")<
  ServiceScope,
  {
    readonly memoMap: Layer.MemoMap
    readonly scope: Scope.Scope
    /** The folder of the compose files. */
    readonly composeDir: string
  }
>() {
  /** Services that are released with the layer. */
  static readonly layer = (composeDir: string): Layer.Layer<ServiceScope> =>
    Layer.scoped(
      ServiceScope,
      Effect.map(Effect.all([Layer.makeMemoMap, Effect.scope]), ([memoMap, scope]) => ({ memoMap, scope, composeDir }))
    )
}

/** A service of core with its layer. */
export interface LoadedService<I, S, E, R> {
  readonly tag: Context.Tag<I, S>
  readonly layer: Layer.Layer<I, E, R>
}

/**
 * A service whose module is loaded, and which is built, when it is first needed: a program that only lists containers does not
 * pay for builds and compose. One that the layer of the program provides is taken as it is.
 */
export const lazyService = <I, S, E, R>(
  load: () => Promise<LoadedService<I, S, E, R>>
): Effect.Effect<S, E, R | ServiceScope> => {
  let loaded: Promise<LoadedService<I, S, E, R>> | undefined
  const loading = Effect.promise(() => {
    loaded ??= load().catch((error: unknown) => {
      loaded = undefined
      throw error
    })
    return loaded
  })
  return Effect.gen(function* () {
    const { layer, tag } = yield* loading
    const given = yield* Effect.serviceOption(tag)
    if (Option.isSome(given)) return given.value
    const { memoMap, scope } = yield* ServiceScope
    return Context.get(yield* Layer.buildWithMemoMap(layer, memoMap, scope), tag)
  })
}
