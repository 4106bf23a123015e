import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Readable } from "node:stream"

/**
 * What a Node stream holds, as it comes: each element is all that had gathered since the last one was taken, and nothing
 * is read while nobody asks. `NodeStream.fromReadable` waits for ever on a stream that is destroyed without an error;
 * this one fails with `lost` whenever the stream closes before its end.
 */
export const readableChunks = <E>(
  readable: Readable,
  lost: (error: Error | undefined) => E
): Stream.Stream<Uint8Array, E> =>
  Stream.fromPull(
    Effect.sync(() => {
      let failure: Error | undefined
      let wake = () => {}
      const onEvent = () => wake()
      readable.on("readable", onEvent)
      readable.on("end", onEvent)
      readable.on("close", onEvent)
      readable.on("error", (error) => {
        failure = error
        wake()
      })
      const pull: Effect.Effect<Chunk.Chunk<Uint8Array>, Option.Option<E>> = Effect.suspend(() => {
        const chunk: unknown = readable.read()
        if (chunk instanceof Uint8Array) return Effect.succeed(Chunk.of(chunk))
        if (failure !== undefined) return Effect.fail(Option.some(lost(failure)))
        if (readable.readableEnded) return Effect.fail(Option.none())
        if (readable.destroyed) return Effect.fail(Option.some(lost(undefined)))
        return Effect.async<Chunk.Chunk<Uint8Array>, Option.Option<E>>((resume) => {
          wake = () => {
            wake = () => {}
            resume(pull)
          }
          return Effect.sync(() => {
            wake = () => {}
          })
        })
      })
      return pull
    })
  )
