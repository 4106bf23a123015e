import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import * as Stream from "effect/Stream"
import { Readable } from "node:stream"

/** A Node stream of what a stream gives, taken no faster than it is read. It runs from the first read until it is destroyed. */
export const streamReadable = (stream: Stream.Stream<Uint8Array>, runtime: Runtime.Runtime<never>): Readable => {
  let wanted = () => {}
  let fiber: Fiber.RuntimeFiber<void> | undefined
  const give = (bytes: Uint8Array) =>
    Effect.async<void>((resume) => {
      wanted = () => {
        wanted = () => {}
        resume(Effect.void)
      }
      // Nothing pushed is nothing read, and so would never be asked for more.
      if (bytes.length === 0 || readable.push(bytes)) wanted()
    })
  const readable = new Readable({
    read: () => {
      if (fiber === undefined) {
        fiber = Runtime.runFork(runtime)(Stream.runForEach(stream, give))
        fiber.addObserver((exit) => {
          if (Exit.isSuccess(exit)) readable.push(null)
          else readable.destroy(new Error(Cause.pretty(exit.cause)))
        })
      } else wanted()
    },
    destroy: (error, done) => {
      if (fiber !== undefined) Runtime.runFork(runtime)(Fiber.interrupt(fiber))
      done(error)
    }
  })
  return readable
}
