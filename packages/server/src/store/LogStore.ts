/** Container logs that are kept, and the search over all of them. */
import type { InvalidRequest } from "@dockwire/core/DockerError"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import type { LogQuery } from "../search/LogQuery.js"
import { type EmbeddedLogStoreOptions, makeEmbeddedLogStore } from "./embedded/embeddedLogStore.js"
import { makeLazyLogStore } from "./lazyLogStore.js"
import { makeNoLogStore } from "./noLogStore.js"
import type {
  Histogram,
  HistogramRequest,
  LogBatch,
  LogRange,
  LogResumePoint,
  LogRetention,
  LogSource,
  StoredItem,
  StoredLine
} from "./LogRecord.js"
import type { SearchProgress, SearchWaiting } from "./StoredLog.js"
import type { LogStoreBehind, LogStoreUnavailable } from "./LogStoreError.js"

/** Whether logs are kept now. */
export interface LogStoreStatus {
  readonly available: boolean
  /** Why not, or what people should know although they are, as sentences. */
  readonly reason?: string
}

/** What to search for. */
export interface SearchRequest {
  readonly query: LogQuery
  /** Goes on behind this line. */
  readonly cursor?: string
  /** How many lines to find at most. Default: all. */
  readonly limit?: number
  /** How many records of the container to show in front of a line that was found, and how many behind it. Default: 0. */
  readonly context?: number
}

/** A line that was found. */
export interface SearchHit {
  readonly line: StoredLine
  readonly before: ReadonlyArray<StoredItem>
  readonly after: ReadonlyArray<StoredItem>
}

/** What a search tells: that it waits for others, then what it finds and how far it is. */
export type SearchElement =
  | SearchWaiting
  | { readonly _tag: "SearchFound"; readonly hits: ReadonlyArray<SearchHit>; readonly progress: SearchProgress }

/** The service behind `LogStore`. */
export interface LogStoreShape {
  /**
   * Takes a batch. It is stored within a second. Waits at most 50 ms, then fails: nothing of the batch was taken. It can come
   * again later, or be read again from the engine, behind what `resume` tells. Fails with `LogStoreBehind` if elements in front
   * of it are missing.
   */
  readonly append: (batch: LogBatch) => Effect.Effect<void, LogStoreUnavailable | LogStoreBehind | InvalidRequest>
  /** Completes when what was taken is stored, or cannot be, within seconds. */
  readonly flush: Effect.Effect<void>
  /** Where to go on with the log of a container. */
  readonly resume: (containerId: string) => Effect.Effect<Option.Option<LogResumePoint>, LogStoreUnavailable>
  /** Reads a part of a source, in batches, its containers merged by time. Nothing if there is no such source. */
  readonly read: (range: LogRange) => Stream.Stream<ReadonlyArray<StoredItem>, LogStoreUnavailable | InvalidRequest>
  /** Searches everything, the newest first. At most two searches run at once. */
  readonly search: (request: SearchRequest) => Stream.Stream<SearchElement, LogStoreUnavailable | InvalidRequest>
  /** Counts lines over time. */
  readonly histogram: (request: HistogramRequest) => Effect.Effect<Histogram, LogStoreUnavailable | InvalidRequest>
  readonly sources: Effect.Effect<ReadonlyArray<LogSource>, LogStoreUnavailable>
  /** Deletes what is too old or too much now, which also happens by itself. Returns what it deleted by age. */
  readonly retain: (
    limits?: Partial<LogRetention>
  ) => Effect.Effect<{ readonly records: number; readonly bytes: number }, LogStoreUnavailable>
  /** Completes when the store was opened, or could not be. */
  readonly opened: Effect.Effect<void>
  readonly status: () => LogStoreStatus
  /** The status, and each change of it. */
  readonly statusChanges: Stream.Stream<LogStoreStatus>
}

/** Keeps container logs. */
export class LogStore extends Context.Tag("@dockwire/server/LogStore")<LogStore, LogStoreShape>() {
  /**
   * Keeps them in the file `logs.db` of the data directory, written and read by threads of their own.
   *
   * Of what was measured with 1 GB of text from 20 containers, blocks of 256 KiB of compressed text in SQLite are as fast as
   * files of our own, and others have tested what a crash does to them. DuckDB is 6 to 8 times slower to find a rare literal,
   * takes 340 to 530 MB of memory to search, and gives no space back. A full-text index takes 2.5 times the text. See the
   * package's README for the figures.
   */
  static readonly layerEmbedded = (options: EmbeddedLogStoreOptions): Layer.Layer<LogStore> =>
    Layer.scoped(LogStore, makeEmbeddedLogStore(options))

  /** Like `layerEmbedded`, but opens the file when it is needed for the first time. */
  static readonly layerLazy = (options: EmbeddedLogStoreOptions): Layer.Layer<LogStore> =>
    Layer.scoped(LogStore, makeLazyLogStore(makeEmbeddedLogStore(options)))

  /** Keeps nothing, and says why: a sentence, and what to do. */
  static readonly layerNone = (reason: string): Layer.Layer<LogStore> => Layer.succeed(LogStore, makeNoLogStore(reason))
}
