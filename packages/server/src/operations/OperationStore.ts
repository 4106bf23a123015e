/** What is kept of operations. */
import { LogSink, type LogSinkShape } from "@dockwire/core/LogSink"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import { memoryOperationStore } from "./memory/memoryOperationStore.js"
import type { OperationDetails, OperationFilter, OperationLogLine, OperationPage } from "../OperationSummary.js"

/** What the events of an operation do not tell. */
export interface OperationOrigin {
  readonly logId: string
  readonly targets: ReadonlyArray<string>
  readonly startedBy?: string
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

  /** A `LogSink` that keeps the events of operations. */
  static readonly layerSink: Layer.Layer<LogSink, never, OperationStore> = Layer.effect(
    LogSink,
    Effect.map(OperationStore, ({ sink }) => sink)
  )
}
