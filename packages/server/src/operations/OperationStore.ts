/** What is kept of operations. */
import type { OperationTarget } from "@dockwire/core/LogEvent"
import { LogSink, type LogSinkShape } from "@dockwire/core/LogSink"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import { OperationHistory } from "../rooms/OperationHistory.js"
import { defaultRetentionLimits } from "./sql/retention.js"
import type { HistoryWriterOptions } from "./sql/HistoryWriter.js"
import { makeSqlOperationStore } from "./sql/SqlOperationStore.js"
import type { OperationDatabase } from "./OperationDatabase.js"
import { memoryOperationStore } from "./memory/memoryOperationStore.js"
import type { RememberedKey } from "./IdempotencyKeys.js"
import type {
  HistoryStatus,
  OperationDetails,
  OperationFilter,
  OperationLogLine,
  OperationPage
} from "../OperationSummary.js"

/** What the events of an operation do not tell. */
export interface OperationOrigin {
  readonly logId: string
  readonly targets: ReadonlyArray<string>
  readonly startedBy?: string
  /** The `Idempotency-Key` that it was started with. */
  readonly key?: Pick<RememberedKey, "key" | "request">
}

/** A run that was going on when the server that ran it ended. */
export interface UnfinishedRun {
  readonly logId: string
  readonly kind: string
  readonly target: OperationTarget
  readonly targets: ReadonlyArray<string>
  /** The number for the event that ends it: higher than that of any event that somebody may have seen. */
  readonly nextSeq: number
}

/** The service behind `OperationStore`. */
export interface OperationStoreShape {
  /** Takes the events of operations. Those of containers are not kept here. */
  readonly sink: LogSinkShape
  /** Tells who started an operation and on what, before its first event. Synchronous. */
  readonly originate: (origin: OperationOrigin) => void
  /** Tells that an operation waits for its turn, or no longer does. Synchronous. */
  readonly setWaiting: (logId: string, waiting: boolean) => void
  /** The newest first. */
  readonly list: (filter: OperationFilter) => Effect.Effect<OperationPage>
  readonly get: (logId: string) => Effect.Effect<Option.Option<OperationDetails>>
  /** Completes when it is known what is kept: after the first attempt to open it, within seconds. Everything that asks waits for it. */
  readonly opened: Effect.Effect<void>
  readonly isOpening: () => boolean
  /** Whether what is kept outlives the server. */
  readonly status: () => HistoryStatus
  /** The status, and each change of it. */
  readonly statusChanges: Stream.Stream<HistoryStatus>
  /** The runs that an earlier server has left unfinished. They stay so until their last event comes. */
  readonly unfinished: Stream.Stream<UnfinishedRun>
  /** The `Idempotency-Key`s of the operations that are kept and began after this time, the oldest first. */
  readonly keysSince: (time: number) => Effect.Effect<ReadonlyArray<RememberedKey>>
  /** The lines after the event with this number, in batches, up to what is kept now. */
  readonly lines: (logId: string, after: number) => Stream.Stream<ReadonlyArray<OperationLogLine>>
}

/** Keeps operations and their lines. */
export class OperationStore extends Context.Tag("@dockwire/server/OperationStore")<
  OperationStore,
  OperationStoreShape
>() {
  /** Keeps the last operations, until the server ends. */
  static readonly layerMemory: Layer.Layer<OperationStore> = Layer.sync(OperationStore, () => memoryOperationStore())

  /** Keeps them in a database, and gives the rooms their history. */
  static readonly layerSql = (
    options: Partial<HistoryWriterOptions> = {}
  ): Layer.Layer<OperationStore | OperationHistory, never, OperationDatabase> =>
    Layer.scopedContext(
      Effect.map(makeSqlOperationStore({ retention: defaultRetentionLimits, ...options }), ({ history, store }) =>
        Context.add(Context.make(OperationStore, store), OperationHistory, history)
      )
    )

  /** A `LogSink` that keeps the events of operations. */
  static readonly layerSink: Layer.Layer<LogSink, never, OperationStore> = Layer.effect(
    LogSink,
    Effect.map(OperationStore, ({ sink }) => sink)
  )
}
