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

/** Milliseconds from the interruption of a program, `delay` milliseconds after its start, to its end. */
export const interruptionTime = async <A, E, R, E2>(
  layer: Layer.Layer<R, E2>,
  program: Effect.Effect<A, E, R>,
  delay = 300
): Promise<number> => {
  const abort = new AbortController()
  const running = runWith(layer, program, abort.signal)
  let over = false
  const ended = running.then(
    () => (over = true),
    () => (over = true)
  )
  await new Promise((resolve) => setTimeout(resolve, delay))
  if (over) throw new Error("The program had ended before it could be interrupted.")
  const start = performance.now()
  abort.abort()
  await ended
  return performance.now() - start
}
