import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { DockerShape } from "../../Docker.js"
import { InvalidRequest } from "../../DockerError.js"
import type { LogLine, LogStream } from "../../LogEvent.js"
import { parseEngineTime, engineTimeMillis, type LogTime } from "../api/engineTime.js"
import { LogDecoder } from "./logDecoder.js"
import { inspectSubject, logError, type LogsError, openLog } from "./logRequest.js"

/** Which lines to read. */
export interface ReadOptions {
  /** Only the last ones, counted as the engine counts: in pieces of 16 KiB, over both streams, before all other options. */
  readonly tail?: number
  /** From this moment on, to the nanosecond. */
  readonly since?: LogTime
  /** Up to and with this moment, to the nanosecond. */
  readonly until?: LogTime
  /** Both when not given. */
  readonly streams?: ReadonlyArray<LogStream>
  /** Goes on until the container's run ends, or the moment `until` has passed. */
  readonly follow?: boolean
}

/** Refuses options that no log can satisfy. */
export const checkLogOptions = (options: { readonly tail?: number; readonly streams?: ReadonlyArray<LogStream> }) =>
  options.tail !== undefined && (!Number.isInteger(options.tail) || options.tail < 0)
    ? Effect.fail(
        new InvalidRequest({
          field: "tail",
          value: String(options.tail),
          detail: "give a whole number of lines, 0 or more"
        })
      )
    : options.streams !== undefined && options.streams.length === 0
      ? Effect.fail(new InvalidRequest({ field: "streams", value: "[]", detail: "choose stdout, stderr or both" }))
      : Effect.void

const time = (field: "since" | "until", value: LogTime | undefined) =>
  value === undefined ? Effect.succeed(undefined) : parseEngineTime(field, value)

/** An engine that says nothing for so long has given all that it has. */
const silenceMillis = 1000

/** The log's lines, in arrays as large as what had arrived. */
export const readLog = (
  docker: DockerShape,
  id: string,
  options: ReadOptions
): Stream.Stream<ReadonlyArray<LogLine>, LogsError> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      yield* checkLogOptions(options)
      const since = yield* time("since", options.since)
      const until = yield* time("until", options.until)
      const subject = yield* inspectSubject(docker, id)
      const { body } = yield* openLog(docker, subject.id, {
        follow: options.follow ?? false,
        streams: options.streams,
        tail: options.tail,
        since,
        until
      })

      let batch: Array<LogLine> = []
      let failure: string | undefined
      const decoder = new LogDecoder(subject.tty, options.follow ?? false, {
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
          failure ??= `what came is not a log: ${detail}`
        }
      })
      const take = (): ReadonlyArray<LogLine> => {
        const taken = batch
        batch = []
        return taken
      }
      // The error comes behind the lines that were read before it.
      const thenFailure = Stream.suspend(() =>
        failure === undefined ? Stream.empty : Stream.fail(logError(subject.id, failure))
      )
      const lines = body.pipe(
        Stream.map((chunk) => {
          decoder.push(chunk)
          return take()
        }),
        Stream.takeUntil(() => failure !== undefined),
        Stream.concat(
          Stream.suspend(() => {
            if (failure === undefined) decoder.end()
            return Stream.succeed(take())
          })
        ),
        Stream.filter((lines) => lines.length > 0),
        Stream.concat(thenFailure)
      )
      if (options.follow !== true || until === undefined) return lines
      // The engine itself ends such a follow only with the next line after that moment; a silence behind it does too. A
      // reader who is slow to ask is no silence, so the time runs only while something is asked for.
      const end = engineTimeMillis(until)
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
