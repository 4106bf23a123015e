import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { Docker, type DockerShape } from "./Docker.js"
import { InvalidRequest } from "./DockerError.js"
import { Events } from "./Events.js"
import { LogDecoder } from "./internal/logs/logDecoder.js"
import { type FollowElement, followLog, type FollowOptions } from "./internal/watch/logFollower.js"
import { inspectSubject, logError, type LogsError, openLog } from "./internal/logs/logRequest.js"
import { engineTime, engineTimeMillis, type LogTime } from "./internal/api/engineTime.js"
import type { LogLine, LogStream } from "./LogEvent.js"

export type { FollowElement, FollowOptions, Positioned } from "./internal/watch/logFollower.js"
export type { LogsError } from "./internal/logs/logRequest.js"
export type { LogTime } from "./internal/api/engineTime.js"

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

const checked = (options: { readonly tail?: number; readonly streams?: ReadonlyArray<LogStream> }) =>
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
  value === undefined ? Effect.succeed(undefined) : engineTime(field, value)

/** An engine that says nothing for so long has given all that it has. */
const silenceMillis = 1000

const readBatches = (docker: DockerShape, id: string, options: ReadOptions) =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      yield* checked(options)
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

const flatten = <A, E, R>(batches: Stream.Stream<ReadonlyArray<A>, E, R>): Stream.Stream<A, E, R> =>
  Stream.mapConcatChunk(batches, Chunk.unsafeFromArray)

/** The shape of `Logs`. */
export interface LogsShape {
  /**
   * The log's lines, each whole: as far as it goes now, or with `follow` until the run ends. Within a stream they come in
   * order; between stdout and stderr the engine keeps none. A connection that is cut is an `EngineUnavailable`, reason
   * `Lost`. `GET /containers/{id}/logs`
   */
  readonly read: (id: string, options?: ReadOptions) => Stream.Stream<LogLine, LogsError>
  /** The same in arrays as large as what had come: for who counts microseconds. */
  readonly readBatches: (id: string, options?: ReadOptions) => Stream.Stream<ReadonlyArray<LogLine>, LogsError>
  /**
   * The log for ever: over the container's stops and starts, lost connections and restarts of the engine. Each line comes
   * once; what happened in between comes as marks, and what the engine no longer has as a gap. It ends when the container
   * is removed, and fails only where it can't begin or the log can't be read at all.
   */
  readonly follow: (id: string, options?: FollowOptions) => Stream.Stream<FollowElement, LogsError>
  /** The same in arrays. */
  readonly followBatches: (
    id: string,
    options?: FollowOptions
  ) => Stream.Stream<ReadonlyArray<FollowElement>, LogsError>
}

/**
 * The logs of containers.
 *
 * @example
 * ```ts
 * import { Docker, Logs } from "@dockwire/core"
 * import { Effect, Layer, Stream } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const logs = yield* Logs
 *   yield* logs.follow("web").pipe(
 *     Stream.take(3),
 *     Stream.runForEach((element) =>
 *       Effect.sync(() => console.log(element._tag === "LogLine" ? element.text : `-- ${element.mark}`))
 *     )
 *   )
 * })
 *
 * const live = Logs.layer.pipe(Layer.provide(Docker.layerConfig))
 * await Effect.runPromise(program.pipe(Effect.provide(live)))
 * ```
 */
export class Logs extends Context.Tag("@dockwire/core/Logs")<Logs, LogsShape>() {
  /** Logs of the engine behind `Docker`. */
  static readonly layer: Layer.Layer<Logs, never, Docker> = Layer.effect(
    Logs,
    Effect.gen(function* () {
      const docker = yield* Docker
      const events = yield* Events
      const batches = (id: string, options: ReadOptions = {}) => readBatches(docker, id, options)
      const followed = (id: string, options: FollowOptions = {}) =>
        Stream.unwrap(Effect.as(checked(options), followLog({ docker, events }, id, options)))
      const logs: LogsShape = {
        readBatches: batches,
        read: (id, options) => flatten(batches(id, options)),
        followBatches: followed,
        follow: (id, options) => flatten(followed(id, options))
      }
      return logs
    })
  ).pipe(Layer.provide(Events.layer))
}
