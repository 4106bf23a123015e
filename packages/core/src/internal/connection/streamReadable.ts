import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import * as Stream from "effect/Stream"
import { Readable } from "node:stream"

/** Whether the reader of a Node stream keeps up with it. */
export interface ReaderProgress {
  /** Bytes wait for the reader. */
  readonly onWaiting: () => void
  /** The reader asks for more. */
  readonly onRead: () => void
}

/**
 * Turns a stream into a Node stream, which pulls it no faster than it is read. The stream runs from the first read until
 * the Node stream is destroyed.
 */
export const streamReadable = (
  stream: Stream.Stream<Uint8Array>,
  runtime: Runtime.Runtime<never>,
  progress: ReaderProgress
): Readable => {
  let onRead = () => {}
  let fiber: Fiber.RuntimeFiber<void> | undefined
  const push = (bytes: Uint8Array) =>
    Effect.async<void>((resume) => {
      onRead = () => {
        onRead = () => {}
        resume(Effect.void)
      }
      // Node does not ask for more after an empty chunk.
      if (bytes.length === 0 || readable.push(bytes)) onRead()
      else progress.onWaiting()
    })
  const readable = new Readable({
    read: () => {
      progress.onRead()
      if (fiber === undefined) {
        fiber = Runtime.runFork(runtime)(Stream.runForEach(stream, push))
        fiber.addObserver((exit) => {
          if (Exit.isSuccess(exit)) readable.push(null)
          else readable.destroy(new Error(Cause.pretty(exit.cause)))
        })
      } else onRead()
    },
    destroy: (error, done) => {
      if (fiber !== undefined) Runtime.runFork(runtime)(Fiber.interrupt(fiber))
      done(error)
    }
  })
  return readable
}
