import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { DockerShape } from "../../Docker.js"
import { InvalidRequest } from "../../DockerError.js"
import type { LogLine, LogStream } from "../../LogEvent.js"
import { parseEngineTime, engineTimeMillis, type LogTime, responseMillis } from "../api/engineTime.js"
import { LogDecoder, type LogHandler } from "./logDecoder.js"
import { inspectSubject, isSameRun, logError, type LogsError, openLog } from "./logRequest.js"
import { decodeChunk, decodeRest } from "./runBoundary.js"

/**
 * Which lines to read.
 *
 * @since 0.1.0
 * @category models
 */
export interface ReadOptions {
  /**
   * Only the last lines. The engine counts records, of which a line longer than 16 KiB has several, in both streams
   * together, and applies the other options afterwards.
   */
  readonly tail?: number
  /** Only lines from this time of the engine's clock on, with nanosecond precision. */
  readonly since?: LogTime
  /** Only lines up to and including this time of the engine's clock, with nanosecond precision. */
  readonly until?: LogTime
  /** Default: both. */
  readonly streams?: ReadonlyArray<LogStream>
  /** Waits for new lines until the container stops or the time `until` has passed. Default: false. */
  readonly follow?: boolean
}

/** Checks the options that `read` and `follow` have in common. */
export const checkLogOptions = (options: { readonly tail?: number; readonly streams?: ReadonlyArray<LogStream> }) =>
  options.tail !== undefined && (!Number.isInteger(options.tail) || options.tail < 0)
    ? Effect.fail(
        new InvalidRequest({
          field: "tail",
          value: String(options.tail),
          detail: "must be a whole number, 0 or more"
        })
      )
    : options.streams !== undefined && options.streams.length === 0
      ? Effect.fail(
          new InvalidRequest({ field: "streams", value: "[]", detail: "must contain stdout, stderr or both" })
        )
      : Effect.void

const optionalTime = (field: "since" | "until", value: LogTime | undefined) =>
  value === undefined ? Effect.succeed(undefined) : parseEngineTime(field, value)

/** An engine that has sent nothing for this long has sent all lines up to `until`. */
const silenceMillis = 1000

/** Reads a container's log, in arrays of the lines that arrived together. */
export const readLog = (
  docker: DockerShape,
  id: string,
  options: ReadOptions
): Stream.Stream<ReadonlyArray<LogLine>, LogsError> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      yield* checkLogOptions(options)
      const since = yield* optionalTime("since", options.since)
      const until = yield* optionalTime("until", options.until)
      const subject = yield* inspectSubject(docker, id)
      const { body, headers } = yield* openLog(docker, subject.id, {
        follow: options.follow ?? false,
        streams: options.streams,
        tail: options.tail,
        since,
        until
      })

      const isOnlyRun = options.follow === true && subject.tty && (yield* isSameRun(docker, subject))
      let batch: Array<LogLine> = []
      let failure: string | undefined
      const handler: LogHandler = {
        line: (stream, timestamp, text, part) => {
          batch.push(
            part === undefined
              ? { _tag: "LogLine", containerId: subject.id, stream, timestamp, text }
              : { _tag: "LogLine", containerId: subject.id, stream, timestamp, text, part }
          )
        },
        engineError: (message) => {
          failure ??= message
        },
        malformed: (detail) => {
          failure ??= `the response is not a container log: ${detail}`
        }
      }
      const lastRunStart = isOnlyRun ? subject.startedAt : undefined
      const decoder = new LogDecoder(subject.tty, options.follow ?? false, handler, lastRunStart)
      const take = (): ReadonlyArray<LogLine> => {
        const taken = batch
        batch = []
        return taken
      }
      // Lines that were read before an error are emitted first.
      const thenFailure = Stream.suspend(() =>
        failure === undefined ? Stream.empty : Stream.fail(logError(subject.id, failure))
      )
      const lines = body.pipe(
        Stream.mapEffect((chunk) => Effect.map(decodeChunk(docker, subject.id, decoder, chunk), take)),
        Stream.takeUntil(() => failure !== undefined),
        Stream.concat(
          Stream.fromEffect(
            Effect.map(decodeRest(docker, subject.id, decoder), () => {
              if (failure === undefined) decoder.end()
              return take()
            })
          )
        ),
        Stream.filter((lines) => lines.length > 0),
        Stream.concat(thenFailure)
      )
      if (options.follow !== true || until === undefined) return lines
      // The engine ends such a follow only when it reads a line later than `until`. So does this, when nothing arrives for a
      // while after `until`. The time counts only during a pull: a slow reader must not end the stream.
      const openedAt = yield* Clock.currentTimeMillis
      // `until` is a time of the engine's clock, which may differ from ours: its response has the time that it was sent at.
      const end = openedAt + engineTimeMillis(until) - (responseMillis(headers) ?? openedAt)
      const pull = yield* Stream.toPull(lines)
      const pullUntil = Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Effect.timeoutFail(pull, {
          duration: Duration.millis(Math.max(0, end - now) + silenceMillis),
          onTimeout: () => Option.none()
        })
      )
      const last = Stream.suspend(() => {
        if (failure === undefined) decoder.end()
        const lines = take()
        return lines.length > 0 ? Stream.succeed(lines) : Stream.empty
      })
      return Stream.concat(Stream.fromPull(Effect.succeed(pullUntil)), last)
    })
  )
