import type * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** An effect that runs. */
export interface Running<A> {
  readonly result: Promise<A>
  /** Completes when the finalizers have run. */
  readonly interrupt: () => Promise<void>
}

/** How to run an effect that needs `R`. */
export type Start<R> = <A>(effect: Effect.Effect<A, unknown, R>) => Running<A>

type End = { readonly error: unknown } | undefined

/** Hands chunks from a stream to one reader. The stream reads no further before the reader asks again. */
class Handover<A> {
  private resume: (() => void) | undefined
  private reader:
    | { readonly resolve: (chunk: Chunk.Chunk<A> | undefined) => void; readonly reject: (error: unknown) => void }
    | undefined
  private ended: { readonly end: End } | undefined

  readonly offer = (chunk: Chunk.Chunk<A>): Effect.Effect<void> =>
    Effect.async((resume) => {
      this.resume = () => resume(Effect.void)
      const { reader } = this
      this.reader = undefined
      reader?.resolve(chunk)
    })

  readonly end = (end: End): void => {
    if (this.ended !== undefined) return
    this.ended = { end }
    const { reader } = this
    this.reader = undefined
    if (end === undefined) reader?.resolve(undefined)
    else reader?.reject(end.error)
  }

  readonly take = (): Promise<Chunk.Chunk<A> | undefined> =>
    new Promise((resolve, reject) => {
      if (this.ended !== undefined) {
        // As for every iterator, an error comes once.
        const { end } = this.ended
        this.ended = { end: undefined }
        if (end === undefined) resolve(undefined)
        else reject(end.error)
        return
      }
      this.reader = { resolve, reject }
      this.resume?.()
    })
}

async function* elements<A>(handover: Handover<A>): AsyncGenerator<A, void> {
  for (let chunk = await handover.take(); chunk !== undefined; chunk = await handover.take()) yield* chunk
}

const iterator = <A, R>(stream: Stream.Stream<A, unknown, R>, start: Start<R>): AsyncIterableIterator<A> => {
  const handover = new Handover<A>()
  const generator = elements(handover)
  let running: Running<void> | undefined
  const open = (): void => {
    running = start(Stream.runForEachChunk(stream, handover.offer))
    running.result.then(
      () => handover.end(undefined),
      (error: unknown) => handover.end({ error })
    )
  }
  let isClosed = false
  const self: AsyncIterableIterator<A> = {
    next: () => {
      if (running === undefined && !isClosed) open()
      return generator.next()
    },
    return: async () => {
      isClosed = true
      // First, so that a `next` that is waiting ends, too.
      handover.end(undefined)
      await running?.interrupt()
      return generator.return()
    },
    [Symbol.asyncIterator]: () => self
  }
  return self
}

/**
 * A stream as an async iterable. Each iteration runs the stream once, from its first `next`, in one fiber. Leaving the loop
 * interrupts that fiber and waits until its finalizers have run.
 */
export const iterable = <A, R>(stream: Stream.Stream<A, unknown, R>, start: Start<R>): AsyncIterable<A> => ({
  [Symbol.asyncIterator]: () => iterator(stream, start)
})
