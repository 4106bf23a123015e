import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { DockerShape } from "../../Docker.js"
import type { EngineUnavailable } from "../../DockerError.js"
import { engineTimeNanos, nanosTimestamp, toEngineTime } from "../api/engineTime.js"
import type { LogDecoder } from "./logDecoder.js"
import { openLog } from "./logRequest.js"
import type { RunBoundary } from "./ttySplitter.js"

const newline = 0x0a

/**
 * Asks the engine whether a record ends in front of a timestamp: what the log has from the record on, but before that time,
 * then ends with the record. If the timestamp is text, it follows in the same record.
 */
const isBoundary = (
  docker: DockerShape,
  id: string,
  { from, record, to }: RunBoundary
): Effect.Effect<boolean, EngineUnavailable> =>
  Effect.gen(function* () {
    const before = nanosTimestamp(engineTimeNanos(toEngineTime(to)) - 1n)
    const { body } = yield* openLog(docker, id, {
      follow: false,
      streams: undefined,
      since: toEngineTime(from),
      until: toEngineTime(before)
    })
    let last = Buffer.alloc(0)
    let isOneLine = true
    yield* body.pipe(
      Stream.takeUntil((chunk) => chunk.includes(newline)),
      Stream.runForEach((chunk) =>
        Effect.sync(() => {
          // In front of the record there may be other pieces of its line, but no newline.
          isOneLine &&= !chunk.includes(newline)
          last = Buffer.concat([last, chunk]).subarray(-record.length)
        })
      )
    )
    return isOneLine && last.equals(record)
  }).pipe(
    Effect.scoped,
    // A log that can no longer be read has no answer.
    Effect.catchTags({
      ContainerNotFound: () => Effect.succeed(false),
      EngineError: () => Effect.succeed(false),
      LogsUnreadable: () => Effect.succeed(false)
    })
  )

/** Decodes what the decoder stopped at because only the engine can tell where a record ends (see `TtySplitter`). */
export const settle = (docker: DockerShape, id: string, decoder: LogDecoder): Effect.Effect<void, EngineUnavailable> =>
  Effect.whileLoop({
    while: () => decoder.question !== undefined,
    body: () => {
      const { question } = decoder
      return question === undefined ? Effect.succeed(false) : isBoundary(docker, id, question)
    },
    step: (answer) => decoder.answer(answer)
  })

/** Decodes a chunk. */
export const decodeChunk = (
  docker: DockerShape,
  id: string,
  decoder: LogDecoder,
  chunk: Uint8Array
): Effect.Effect<void, EngineUnavailable> =>
  Effect.suspend(() => {
    decoder.push(chunk)
    return decoder.question === undefined ? Effect.void : settle(docker, id, decoder)
  })

/** Decodes the last record of a log that has ended. Lines stay open. */
export const decodeRest = (
  docker: DockerShape,
  id: string,
  decoder: LogDecoder
): Effect.Effect<void, EngineUnavailable> =>
  Effect.suspend(() => {
    decoder.endRecords()
    return settle(docker, id, decoder)
  })
