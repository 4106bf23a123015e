import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Docker } from "./Docker.js"
import { checkLogOptions, readLog, type ReadOptions } from "./internal/logs/logReader.js"
import type { LogsError } from "./internal/logs/logRequest.js"
import type { FollowElement } from "./internal/watch/followOutput.js"
import { followLog, type FollowOptions } from "./internal/watch/logFollower.js"
import type { LogLine } from "./LogEvent.js"

export type { FollowElement, Positioned } from "./internal/watch/followOutput.js"
export type { FollowOptions } from "./internal/watch/logFollower.js"
export type { ReadOptions } from "./internal/logs/logReader.js"
export type { LogsError } from "./internal/logs/logRequest.js"
export type { LogTime } from "./internal/api/engineTime.js"

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
    Effect.map(Docker, (docker) => {
      const batches = (id: string, options: ReadOptions = {}) => readLog(docker, id, options)
      const followed = (id: string, options: FollowOptions = {}) =>
        Stream.unwrap(Effect.as(checkLogOptions(options), followLog(docker, id, options)))
      const logs: LogsShape = {
        readBatches: batches,
        read: (id, options) => flatten(batches(id, options)),
        followBatches: followed,
        follow: (id, options) => flatten(followed(id, options))
      }
      return logs
    })
  )
}
