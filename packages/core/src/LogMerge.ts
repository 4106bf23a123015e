/**
 * The lines of several logs as one stream in the order of time.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { LogMerging } from "./internal/logs/merge/logMerging.js"
import type { ExistingElements, TimedElement } from "./TimeMerger.js"

/**
 * One of the logs that are merged.
 *
 * @since 0.1.0
 * @category models
 */
export interface MergedLog<A extends TimedElement, E = never, R = never> {
  /** Its elements in their order, which stays as it is, in arrays of those that came together. */
  readonly batches: Stream.Stream<ReadonlyArray<A>, E, R>
  /** How much of it exists already. Default: nothing, all elements are new. */
  readonly existing?: ExistingElements
}

/**
 * How long elements wait for earlier ones.
 *
 * @since 0.1.0
 * @category models
 */
export interface MergeLogsOptions {
  /** New elements that arrive within this time of each other are put in order. Default: 100 milliseconds. */
  readonly window?: Duration.DurationInput
  /** How long a log holds the others when what exists of it does not arrive. Default: 500 milliseconds. */
  readonly stall?: Duration.DurationInput
}

/**
 * Merges logs in the order of time, in arrays of the elements that are handed over together. What exists already is in order as a
 * whole; new elements are where they arrive within the window of each other. Each log keeps its own order. A log that stalls
 * holds the others for half a second at most. Ends when all of them have ended; fails as soon as one of them does. Memory stays
 * flat: a log is read as fast as it is merged.
 *
 * @example
 * ```ts
 * import { Logs, MemoryEngine, mergeLogs } from "@dockwire/core"
 * import { Effect, Layer, Stream } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const logs = yield* Logs
 *   const both = ["shop", "mail"].map((name) => ({ batches: logs.readBatches(name), existing: "all" as const }))
 *   yield* Stream.runForEach(mergeLogs(both), (lines) =>
 *     Effect.sync(() => lines.forEach(({ text }) => console.log(text)))
 *   )
 * })
 *
 * const engine = MemoryEngine.layer({
 *   containers: [
 *     { name: "shop", image: "busybox", command: ["echo", "open"] },
 *     { name: "mail", image: "busybox", command: ["echo", "sent"] }
 *   ]
 * })
 * await Effect.runPromise(program.pipe(Effect.provide(Logs.layer.pipe(Layer.provide(engine)))))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const mergeLogs = <A extends TimedElement, E = never, R = never>(
  logs: Iterable<MergedLog<A, E, R>>,
  { stall = "500 millis", window = "100 millis" }: MergeLogsOptions = {}
): Stream.Stream<ReadonlyArray<A>, E, R> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const merging = new LogMerging<A, E>(
        { windowMillis: Duration.toMillis(window), stallMillis: Duration.toMillis(stall) },
        false
      )
      // All of them join before one is read: none may be ahead of one that is not known yet.
      const joined = yield* Effect.forEach(logs, (log) =>
        Effect.map(merging.join(log.existing), (merged) => ({ ...merged, batches: log.batches }))
      )
      yield* Effect.forEach(joined, ({ batches, end, offer }) =>
        Stream.runForEach(batches, offer).pipe(
          Effect.catchAllCause((cause) => merging.fail(cause)),
          Effect.ensuring(end),
          Effect.forkScoped
        )
      )
      return merging.merged
    })
  )
