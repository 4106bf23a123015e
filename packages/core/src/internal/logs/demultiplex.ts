import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { DockerDuplex, DockerRequest } from "../../Docker.js"
import { EngineError, EngineUnavailable } from "../../DockerError.js"
import type { LogStream } from "../../LogEvent.js"
import { frameLength, FrameSplitter } from "./frameSplitter.js"

/** A piece of output, cut anywhere. */
export interface OutputPiece {
  readonly _tag: "Output"
  readonly stream: LogStream
  readonly bytes: Uint8Array
}

/** Tells the outputs of a connection without a terminal apart. */
export interface Demultiplexer {
  /** The pieces that a chunk completes. */
  readonly take: (chunk: Uint8Array) => Effect.Effect<ReadonlyArray<OutputPiece>, EngineError>
  /**
   * For the end of the connection: one that ends in the middle of a frame was cut. Nothing else tells that of a connection
   * that was taken over.
   */
  readonly end: Effect.Effect<void, EngineUnavailable>
}

/** For one connection, from its beginning. */
export const demultiplexer = (request: DockerRequest, endpoint: string): Demultiplexer => {
  let pieces: Array<OutputPiece> = []
  let malformed: string | undefined
  const splitter = new FrameSplitter(
    (bytes, start, end) => {
      for (let position = start; position < end;) {
        const payload = position + FrameSplitter.headerSize
        const next = payload + frameLength(bytes, position)
        const stream = bytes[position] === 2 ? "stderr" : "stdout"
        if (next > payload)
          pieces.push({ _tag: "Output", stream, bytes: Uint8Array.from(bytes.subarray(payload, next)) })
        position = next
      }
    },
    (detail) => {
      malformed = detail
    }
  )
  return {
    take: (chunk) => {
      splitter.push(chunk)
      const taken = pieces
      pieces = []
      return malformed === undefined
        ? Effect.succeed(taken)
        : Effect.fail(
            new EngineError({
              request: `${request.method} ${request.path}`,
              status: 101,
              detail: `what came is no output of a command: ${malformed}`
            })
          )
    },
    end: Effect.suspend(() =>
      splitter.isCut
        ? Effect.fail(
            new EngineUnavailable({ endpoint, reason: "Lost", detail: "the connection ended in the middle of a frame" })
          )
        : Effect.void
    )
  }
}

/** The outputs of a connection without a terminal, told apart; one that is cut fails with `EngineUnavailable`, reason `Lost`. */
export const demultiplex = (
  output: DockerDuplex["output"],
  request: DockerRequest,
  endpoint: string
): Stream.Stream<OutputPiece, EngineError | EngineUnavailable> =>
  Stream.suspend(() => {
    const { end, take } = demultiplexer(request, endpoint)
    return Stream.concat(
      Stream.mapConcatChunkEffect(output, (chunk) => Effect.map(take(chunk), Chunk.unsafeFromArray)),
      Stream.drain(Stream.fromEffect(end))
    )
  })
