import {
  Docker,
  Images,
  type InvalidRequest,
  type Operation,
  type OperationStep,
  RegistryAuth,
  type RegistryCredentials
} from "@dockwire/core"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"

/** `Images` for the engine at this endpoint, with credentials by registry. */
export const imagesAt = (
  endpoint: string,
  credentials: Readonly<Record<string, RegistryCredentials>> = {}
): Layer.Layer<Images | Docker, InvalidRequest> =>
  Images.layer.pipe(Layer.provideMerge(Docker.layer({ endpoint })), Layer.provide(RegistryAuth.layer(credentials)))

/** What came out of an operation. */
export interface Transferred<A, E> {
  readonly steps: ReadonlyArray<OperationStep<A>>
  readonly exit: Exit.Exit<void, E>
  readonly lines: ReadonlyArray<string>
  readonly fractions: ReadonlyArray<number>
}

/** Runs an operation, and returns its steps also if it fails. */
export const transferred = <A, E, R>(operation: Operation<A, E, R>): Effect.Effect<Transferred<A, E>, never, R> =>
  Effect.gen(function* () {
    const steps: Array<OperationStep<A>> = []
    const exit = yield* Effect.exit(Stream.runForEach(operation.steps, (step) => Effect.sync(() => steps.push(step))))
    return {
      steps,
      exit,
      lines: steps.flatMap((step) => (step._tag === "Line" ? [step.text] : [])),
      fractions: steps.flatMap((step) =>
        step._tag === "Progress" && step.fraction !== undefined ? [step.fraction] : []
      )
    }
  })
