import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"

/** Runs a program with a layer, in a runtime of its own that is closed behind it. */
export const runWith = <A, E, R, E2>(
  layer: Layer.Layer<R, E2>,
  program: Effect.Effect<A, E, R>,
  signal?: AbortSignal
): Promise<A> => Effect.runPromise(Effect.provide(program, layer), signal === undefined ? {} : { signal })

/** The error that a program, or the layer, fails with; a program that succeeds or dies fails the test. */
export const failureWith = <A, E, R, E2>(layer: Layer.Layer<R, E2>, program: Effect.Effect<A, E, R>): Promise<E | E2> =>
  Effect.runPromise(
    Effect.flip(Effect.provide(program, layer)).pipe(Effect.catchAll(() => Effect.dieMessage("it succeeded")))
  )

/**
 * Milliseconds from the interruption of a program to its end. It is interrupted once it has run `begun`, which shows that it
 * is under way.
 */
export const interruptionTime = async <A, E, R, E2>(
  layer: Layer.Layer<R, E2>,
  program: (begun: Effect.Effect<void>) => Effect.Effect<A, E, R>
): Promise<number> => {
  const abort = new AbortController()
  let running: Promise<unknown> = Promise.resolve()
  await new Promise<void>((resolve, reject) => {
    const early = () => reject(new Error("The program had ended before it could be interrupted."))
    running = runWith(layer, program(Effect.sync(resolve)), abort.signal)
    running.then(early, early)
  })
  const start = performance.now()
  abort.abort()
  const isInterrupted = await running.then(
    () => false,
    () => true
  )
  if (!isInterrupted) throw new Error("The program ended although it was interrupted.")
  return performance.now() - start
}
