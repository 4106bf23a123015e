import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { ComposeFailed } from "../../../DockerError.js"
import type { OperationStep } from "../../../Operation.js"
import { KeyedLock } from "../keyedLock.js"

/** Of all projects that an operation of this process works on. Two services must not work on one project either. */
const locks = new KeyedLock()

/**
 * Lets operations on one project of an engine run one after the other. Compose itself does not: of two at once, one fails, or
 * undoes what the other does.
 */
export const oneAtATime = <A, E, R>(
  project: { readonly engine: string; readonly name: string },
  busy: "wait" | "refuse",
  steps: Stream.Stream<OperationStep<A>, E, R>
): Stream.Stream<OperationStep<A>, E | ComposeFailed, R> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const { isBusy, take } = yield* locks.enter(`${project.engine}\n${project.name}`)
      if (isBusy && busy === "refuse") {
        return yield* new ComposeFailed({
          reason: "Busy",
          project: project.name,
          lastLines: [],
          detail: "the caller chose not to wait"
        })
      }
      const locked = Stream.unwrapScoped(Effect.as(take, steps))
      const text = `Waiting for another operation on the project "${project.name}".`
      return isBusy ? Stream.concat(Stream.make({ _tag: "Line", stream: "system", text } as const), locked) : locked
    })
  )
