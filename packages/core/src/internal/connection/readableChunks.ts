import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Readable } from "node:stream"

/** Reads the next chunks; fails with `None` at the end. */
export type Pull<E> = Effect.Effect<Chunk.Chunk<Uint8Array>, Option.Option<E>>

/**
 * Reads a Node stream. Each chunk holds all bytes that have arrived since the previous one was pulled, and nothing is
 * read before it is pulled. Fails with `onLost` if the stream closes before its end. `NodeStream.fromReadable` waits
 * forever for a stream that is destroyed without an error.
 */
export const pullReadable = <E>(readable: Readable, onLost: (error: Error | undefined) => E): Effect.Effect<Pull<E>> =>
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
    const pull: Pull<E> = Effect.suspend(() => {
      const chunk: unknown = readable.read()
      if (chunk instanceof Uint8Array) return Effect.succeed(Chunk.of(chunk))
      if (failure !== undefined) return Effect.fail(Option.some(onLost(failure)))
      if (readable.readableEnded) return Effect.fail(Option.none())
      if (readable.destroyed) return Effect.fail(Option.some(onLost(undefined)))
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

/** `pullReadable` as a stream. */
export const readableChunks = <E>(
  readable: Readable,
  onLost: (error: Error | undefined) => E
): Stream.Stream<Uint8Array, E> => Stream.fromPull(pullReadable(readable, onLost))
