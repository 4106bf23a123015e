import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { nanosTimestamp } from "../../internal/api/engineTime.js"
import { type Call, type Routes, targetContainer } from "../calls/call.js"
import { streamResponse } from "../calls/response.js"
import { encodeFrame, multiplexedStream, rawStream } from "../calls/streamFrame.js"
import { LiveCursor } from "../state/logs/logFaults.js"
import type { LogRecord } from "../state/logs/logRecord.js"
import { type ErrorResponse, errorResponse } from "../state/errorResponse.js"
import { isRunning, type MemoryContainer } from "../state/memoryContainer.js"

/** The size from which a chunk is sent, in bytes. */
const chunkSize = 64 * 1024

interface LogOptions {
  readonly stdout: boolean
  readonly stderr: boolean
  readonly timestamps: boolean
  readonly follow: boolean
  /** `undefined` for all records. */
  readonly tail: number | undefined
  readonly since: bigint | undefined
  readonly until: bigint | undefined
}

const logOptions = ({ query }: Call): Effect.Effect<LogOptions, ErrorResponse> =>
  Effect.gen(function* () {
    const stdout = query.flag("stdout")
    const stderr = query.flag("stderr")
    if (!stdout && !stderr) return yield* errorResponse(400, "Bad parameters: you must choose at least one stream")
    const tail = query.text("tail") ?? "all"
    return {
      stdout,
      stderr,
      timestamps: query.flag("timestamps"),
      follow: query.flag("follow"),
      tail: /^\d+$/.test(tail) ? Number(tail) : undefined,
      since: yield* query.timestamp("since"),
      until: yield* query.timestamp("until")
    }
  })

const encodeRecord = ({ bytes, nanos, stream }: LogRecord, { timestamps }: LogOptions, tty: boolean): Uint8Array => {
  const payload = timestamps ? Buffer.concat([Buffer.from(`${nanosTimestamp(nanos)} `), bytes]) : bytes
  return tty ? payload : encodeFrame(stream, payload)
}

const decodingError = Buffer.from("Error grabbing logs: invalid character in the log\n")

/**
 * Reads a container's log in the order in which the engine applies the options: `tail` selects the last records, `since`
 * skips to the first record that is not older (later records are not checked), `until` ends at the first record that is
 * newer, and only then are the streams filtered. A record that can't be decoded ends the response with an error.
 */
const readLog = (container: MemoryContainer, options: LogOptions): Stream.Stream<Uint8Array> => {
  const { log, run, settings } = container
  const followed = options.follow && isRunning(container) ? run : undefined
  const initialEnd = log.end
  const start = options.tail === undefined ? log.first : Math.max(log.first, initialEnd - options.tail)
  const cursor = new LiveCursor(initialEnd, start)
  const { faults } = log
  let sinceReached = options.since === undefined
  let untilReached = false
  let isBroken = false
  // A follow ends with the run: it does not continue with the container's next one.
  const limit = () => (followed === undefined ? initialEnd : (followed.logEnd ?? log.end))
  const isComplete = () => untilReached || followed === undefined || followed.logEnd !== undefined || container.removed

  /** Whether there is something to send. */
  const isBehind = () => !cursor.isMute && cursor.lag === undefined && cursor.index < limit()

  const take = (): ReadonlyArray<Uint8Array> => {
    const taken: Array<Uint8Array> = []
    for (const record of isBehind() ? cursor.rest : []) {
      if (options[record.stream]) taken.push(encodeRecord(record, options, settings.tty))
    }
    if (taken.length > 0) cursor.rest = []
    cursor.index = Math.max(cursor.index, log.first)
    for (let size = 0; isBehind() && size < chunkSize && !untilReached; cursor.index++) {
      const record = log.at(cursor.index)
      if (record === undefined) continue
      if (followed !== undefined && faults.isSkipped(cursor)) continue
      if (faults.isCorrupt(cursor.index)) {
        isBroken = true
        taken.push(settings.tty ? decodingError : encodeFrame("error", decodingError))
        break
      }
      sinceReached ||= record.nanos >= (options.since ?? 0n)
      if (!sinceReached) continue
      if (options.until !== undefined && record.nanos > options.until) {
        untilReached = true
        break
      }
      if (!options[record.stream]) continue
      const bytes = encodeRecord(record, options, settings.tty)
      size += bytes.length
      taken.push(bytes)
    }
    return taken
  }

  const pull: Effect.Effect<Chunk.Chunk<Uint8Array>, Option.Option<never>> = Effect.suspend(() => {
    if (isBroken) return Effect.fail(Option.none())
    const taken = take()
    if (taken.length > 0) return Effect.succeed(Chunk.of(Buffer.concat(taken)))
    if (untilReached || (!isBehind() && isComplete())) return Effect.fail(Option.none())
    return Effect.zipRight(
      log.changed.waitUntil(() => isBehind() || isComplete()),
      pull
    )
  })
  if (followed === undefined) return Stream.fromPull(Effect.succeed(pull))
  const opened = Effect.acquireRelease(
    Effect.sync(() => faults.open(cursor)),
    (close) => Effect.sync(close)
  )
  return Stream.fromPull(Effect.as(opened, pull))
}

/** The route of `GET /containers/{id}/logs`. */
export const logRoutes: Routes = {
  "GET /containers/{id}/logs": (call) =>
    Effect.gen(function* () {
      const options = yield* logOptions(call)
      const container = yield* targetContainer(call)
      if (container.settings.logDriver === "none") {
        return yield* errorResponse(501, "configured logging driver does not support reading")
      }
      return streamResponse(container.settings.tty ? rawStream : multiplexedStream, readLog(container, options))
    })
}
