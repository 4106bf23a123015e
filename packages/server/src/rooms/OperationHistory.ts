/**
 * The stored events of operations.
 *
 * @since 0.1.0
 */
import type { OperationEvent } from "@dockwire/core/LogEvent"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

/**
 * The history can't be read.
 *
 * @since 0.1.0
 * @category errors
 */
export class HistoryUnavailable extends Schema.TaggedError<HistoryUnavailable>("@dockwire/server/HistoryUnavailable")(
  "HistoryUnavailable",
  {
    /** What failed. */
    reason: Schema.String
  }
) {
  override get message(): string {
    return `The history of operations can't be read. ${this.reason}`
  }
}

/**
 * A place in the history of a room: in the room of one run, the `seq` of an event of the run; in any other room, the `order`
 * of an event. 0 is in front of the first event.
 *
 * @since 0.1.0
 * @category models
 */
export type HistoryPlace = number

/**
 * An event as it is stored.
 *
 * @since 0.1.0
 * @category models
 */
export interface StoredEvent {
  readonly _tag: "Stored"
  readonly order: number
  readonly event: OperationEvent
}

/**
 * Events that were not stored, or are stored no longer.
 *
 * @since 0.1.0
 * @category models
 */
export interface LostEvents {
  readonly _tag: "Lost"
  /** The place of the first of them. */
  readonly from: HistoryPlace
  /** The place of the last of them; `undefined` if unknown. */
  readonly to: HistoryPlace | undefined
  /** Why they are missing, for people to read. */
  readonly reason: string
}

/**
 * What a read of the history consists of.
 *
 * @since 0.1.0
 * @category models
 */
export type HistoryItem = StoredEvent | LostEvents

/**
 * The service behind `OperationHistory`.
 *
 * @since 0.1.0
 * @category models
 */
export interface OperationHistoryShape {
  /**
   * Accepts events to store. Synchronous; never blocks or throws. Numbers them: returns the `order` of the first one, the others
   * follow one by one. Orders start at 1 and only rise, also over restarts and for events that can't be stored. Returns
   * `undefined` if there is no history.
   */
  readonly record: (events: ReadonlyArray<OperationEvent>) => number | undefined
  /** The `order` of the last event that was recorded, 0 if there is none; `undefined` if there is no history. */
  readonly lastOrder: () => number | undefined
  /** Completes when everything recorded so far is stored, or counted as lost, within seconds. */
  readonly flush: Effect.Effect<void>
  /**
   * Reads what is stored now of a room's events after a place, oldest first, in batches of at most 1,000. Of the progress of an
   * item only the last state is part of it, at the place where that was reported.
   *
   * What is missing is an item of its own, at its place. If a run is stored no longer, a read of its room after a place other
   * than 0 consists of that.
   */
  readonly read: (room: string, after: HistoryPlace) => Stream.Stream<ReadonlyArray<HistoryItem>, HistoryUnavailable>
}

/**
 * The stored events of operations, by the rooms that they belong to. Rooms replay from it what their rings no longer have.
 *
 * @since 0.1.0
 * @category tags
 */
export class OperationHistory extends Context.Tag("@dockwire/server/OperationHistory")<
  OperationHistory,
  OperationHistoryShape
>() {
  /** Stores nothing. */
  static readonly layerNone: Layer.Layer<OperationHistory> = Layer.succeed(OperationHistory, {
    record: () => undefined,
    lastOrder: () => undefined,
    flush: Effect.void,
    read: () => Stream.empty
  })
}
