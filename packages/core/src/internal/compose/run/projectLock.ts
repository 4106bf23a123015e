import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { ComposeFailed } from "../../../DockerError.js"
import type { OperationStep } from "../../../Operation.js"

interface Lock {
  readonly semaphore: Effect.Semaphore
  /** How many operations have it or wait for it. */
  users: number
}

/** Of all projects that an operation of this process works on. Two services must not work on one project either. */
const locks = new Map<string, Lock>()

const enter = (key: string): Lock => {
  const lock = locks.get(key) ?? { semaphore: Effect.unsafeMakeSemaphore(1), users: 0 }
  locks.set(key, lock)
  lock.users++
  return lock
}

const leave = (key: string, lock: Lock): void => {
  if (--lock.users === 0) locks.delete(key)
}

/**
 * Lets operations on one project of an engine run one after the other. Compose itself does not: of two at once, one fails, or
 * undoes what the other does.
 */
export const oneAtATime = <A, E, R>(
  project: { readonly endpoint: string; readonly name: string },
  busy: "wait" | "refuse",
  steps: Stream.Stream<OperationStep<A>, E, R>
): Stream.Stream<OperationStep<A>, E | ComposeFailed, R> => {
  const key = `${project.endpoint}\n${project.name}`
  return Stream.unwrapScoped(
    Effect.gen(function* () {
      const isBusy = locks.has(key)
      if (isBusy && busy === "refuse") {
        return yield* new ComposeFailed({
          reason: "Busy",
          project: project.name,
          lastLines: [],
          detail: "the caller chose not to wait"
        })
      }
      const lock = yield* Effect.acquireRelease(
        Effect.sync(() => enter(key)),
        (lock) => Effect.sync(() => leave(key, lock))
      )
      const taken = Effect.uninterruptibleMask((restore) =>
        Effect.zipRight(
          restore(lock.semaphore.take(1)),
          Effect.addFinalizer(() => lock.semaphore.release(1))
        )
      )
      const locked = Stream.unwrapScoped(Effect.as(taken, steps))
      const text = `Waiting for another operation on the project "${project.name}".`
      return isBusy ? Stream.concat(Stream.make({ _tag: "Line", stream: "system", text } as const), locked) : locked
    })
  )
}
