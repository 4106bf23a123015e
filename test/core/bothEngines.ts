import {
  Archive,
  Containers,
  Docker,
  Events,
  Exec,
  Images,
  Logs,
  MemoryEngine,
  Networks,
  RegistryAuth,
  Volumes
} from "@dockwire/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { describe, it } from "vitest"
import { describeEngine, testEngine } from "../engine/realEngine.js"

/** The services of core that `bothEngines` provides. */
export type EngineServices = Archive | Containers | Docker | Events | Exec | Images | Logs | Networks | Volumes

/** The services of core that need nothing but an engine. There are no credentials. */
export const engineServices = Layer.mergeAll(
  Archive.layer,
  Containers.layer,
  Events.layer,
  Exec.layer,
  Layer.provide(Images.layer, RegistryAuth.layer()),
  Logs.layer,
  Networks.layer,
  Volumes.layer
)

/** Runs a program against the test engine. */
export const onTestEngine = <A, E>(program: Effect.Effect<A, E, EngineServices | Scope.Scope>): Promise<A> =>
  Effect.runPromise(
    Effect.scoped(program).pipe(
      Effect.provide(Layer.provideMerge(engineServices, Docker.layer({ endpoint: testEngine().endpoint })))
    )
  )

/** Runs a program against a new engine in memory. */
export const onMemoryEngine = <A, E>(
  program: Effect.Effect<A, E, EngineServices | MemoryEngine | Scope.Scope>
): Promise<A> =>
  Effect.runPromise(
    Effect.scoped(program).pipe(Effect.provide(Layer.provideMerge(engineServices, MemoryEngine.layer())))
  )

/** Tests that pass on the test engine and on the engine in memory. */
export const describeBothEngines = (
  name: string,
  tests: Readonly<Record<string, () => Effect.Effect<unknown, unknown, EngineServices | Scope.Scope>>>
): void => {
  describeEngine(name, () => {
    for (const [title, program] of Object.entries(tests)) it(title, () => onTestEngine(Effect.asVoid(program())))
  })
  describe(`${name}, in memory`, () => {
    for (const [title, program] of Object.entries(tests)) it(title, () => onMemoryEngine(Effect.asVoid(program())))
  })
}
