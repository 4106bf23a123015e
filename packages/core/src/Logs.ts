/**
 * Reading and following the logs of containers.
 *
 * @since 0.1.0
 */
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Docker } from "./Docker.js"
import { checkLogOptions, readLog, type ReadOptions } from "./internal/logs/logReader.js"
import type { LogsError } from "./internal/logs/logRequest.js"
import type { FollowElement } from "./internal/watch/follow/followOutput.js"
import { followLog, type FollowOptions } from "./internal/watch/follow/logFollower.js"
import type { LogLine } from "./LogEvent.js"

export type { FollowElement, Positioned } from "./internal/watch/follow/followOutput.js"
export type { FollowOptions } from "./internal/watch/follow/logFollower.js"
export type { ReadOptions } from "./internal/logs/logReader.js"
export type { LogsError } from "./internal/logs/logRequest.js"
export type { LogTime } from "./internal/api/engineTime.js"

const flatten = <A, E, R>(batches: Stream.Stream<ReadonlyArray<A>, E, R>): Stream.Stream<A, E, R> =>
  Stream.mapConcatChunk(batches, Chunk.unsafeFromArray)

/**
 * The service `Logs`.
 *
 * @since 0.1.0
 * @category services
 */
export interface LogsShape {
  /**
   * The lines of the log that exist now, or with `follow` all lines until the container stops. Lines of a stream are in
   * order; the engine does not order stdout and stderr relative to each other. Fails with `EngineUnavailable`, reason
   * `Lost`, if the connection is lost. `GET /containers/{id}/logs`
   */
  readonly read: (id: string, options?: ReadOptions) => Stream.Stream<LogLine, LogsError>
  /** Like `read`, in arrays of the lines that arrived together. Use it when throughput matters. */
  readonly readBatches: (id: string, options?: ReadOptions) => Stream.Stream<ReadonlyArray<LogLine>, LogsError>
  /**
   * The log without end, across stops and starts of the container, lost connections and restarts of the engine. Each line
   * is emitted once, in the order of its stream. Marks between the lines show starts, stops and errors, and gaps where the
   * engine no longer has lines. Ends when the container is removed. Fails only if the follow can't begin or the log can't be
   * read.
   *
   * The engine's own live stream leaves lines out when a log rotates fast, and goes silent or breaks off when something else
   * damages the log's file. So a follow checks it against the log: every line that the engine still has is emitted, and every
   * hole has its `gap`. A log that never rotates (see the container's `LogConfig`) is checked only while it is silent. On a
   * log that rotates, a line that follows a pause is emitted once it has been checked, within a tenth of a second. Engines
   * before 24 (API 1.43) are not checked.
   *
   * `GET /containers/{id}/logs`, `GET /containers/{id}/json` and `GET /events`
   */
  readonly follow: (id: string, options?: FollowOptions) => Stream.Stream<FollowElement, LogsError>
  /** Like `follow`, in arrays of the elements that arrived together. */
  readonly followBatches: (
    id: string,
    options?: FollowOptions
  ) => Stream.Stream<ReadonlyArray<FollowElement>, LogsError>
}

/**
 * Reads and follows the logs of containers.
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
 *
 * @since 0.1.0
 * @category tags
 */
export class Logs extends Context.Tag("@dockwire/core/Logs")<Logs, LogsShape>() {
  /** Reads logs from the engine that `Docker` connects to. */
  static readonly layer: Layer.Layer<Logs, never, Docker> = Layer.effect(
    Logs,
    Effect.map(Docker, (docker) => {
      const readBatches = (id: string, options: ReadOptions = {}) => readLog(docker, id, options)
      const followBatches = (id: string, options: FollowOptions = {}) =>
        Stream.unwrap(Effect.as(checkLogOptions(options), followLog(docker, id, options)))
      const logs: LogsShape = {
        read: (id, options) => flatten(readBatches(id, options)),
        readBatches,
        follow: (id, options) => flatten(followBatches(id, options)),
        followBatches
      }
      return logs
    })
  )
}
