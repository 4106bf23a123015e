import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { DockerDuplex, DockerRequest } from "../../Docker.js"
import { EngineError, EngineUnavailable } from "../../DockerError.js"
import type { OutputPiece } from "../api/streams/outputPiece.js"
import { frameLength, FrameSplitter } from "./frameSplitter.js"

/** Separates the outputs that are multiplexed on a connection without a TTY. */
export interface Demultiplexer {
  /** Returns the pieces that a chunk completes. */
  readonly take: (chunk: Uint8Array) => Effect.Effect<ReadonlyArray<OutputPiece>, EngineError>
  /**
   * Call it when the connection has ended. Fails if that was in the middle of a frame, which is the only sign that a hijacked
   * connection was cut.
   */
  readonly end: Effect.Effect<void, EngineUnavailable>
}

/** Creates a demultiplexer for one connection. */
export const demultiplexer = (request: DockerRequest, endpoint: string): Demultiplexer => {
  let pieces: Array<OutputPiece> = []
  let malformed: string | undefined
  const splitter = new FrameSplitter(
    (bytes, start, end) => {
      for (let offset = start; offset < end;) {
        const payload = offset + FrameSplitter.headerSize
        const next = payload + frameLength(bytes, offset)
        const stream = bytes[offset] === 2 ? "stderr" : "stdout"
        if (next > payload)
          pieces.push({ _tag: "Output", stream, bytes: Uint8Array.from(bytes.subarray(payload, next)) })
        offset = next
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
              detail: `the response is not multiplexed output: ${malformed}`
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

/** Separates the outputs of a connection without a TTY. Fails with `EngineUnavailable`, reason `Lost`, if it is cut. */
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
