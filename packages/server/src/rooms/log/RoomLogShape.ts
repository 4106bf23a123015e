/**
 * How the log of rooms is written and heard.
 *
 * @since 0.1.0
 */
import type { LogPosition } from "@dockwire/core/LogPosition"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { RoomEvent } from "../events/RoomEvent.js"

/**
 * A place in a room's log: after the event with this number. It is the same wherever the room is listened to.
 *
 * @since 0.1.0
 * @category models
 */
export interface RoomPlace {
  readonly epoch: string
  /** 0 is in front of the first event. */
  readonly seq: number
}

/**
 * What a listener hears of a room. The numbers that it hears of leave out none.
 *
 * @since 0.1.0
 * @category models
 */
export type RoomNews =
  /** The events with the numbers `first`, `first + 1`, ... */
  | {
      readonly _tag: "Events"
      readonly epoch: string
      readonly first: number
      readonly events: ReadonlyArray<RoomEvent>
    }
  /** The events `from` to `to` will never be heard. */
  | { readonly _tag: "Gone"; readonly epoch: string; readonly from: number; readonly to: number }
  /** The room was forgotten or is new: its numbers begin at 1. */
  | { readonly _tag: "Anew"; readonly epoch: string }

/**
 * A listener of a room.
 *
 * @since 0.1.0
 * @category models
 */
export interface RoomListening {
  /** Completes when everything that was in the log has been heard. */
  readonly heard: Effect.Effect<void>
  /** Stops listening. A room that nobody listens to or holds may be forgotten. */
  readonly stop: () => void
}

/**
 * Another writer may hold the room by now. What was appended is not in the log.
 *
 * @since 0.1.0
 * @category errors
 */
export class NotHeld extends Data.TaggedError("NotHeld")<{ readonly room: string }> {
  override get message(): string {
    return `The room ${this.room} is not held any longer. Ask for the hold again, and continue from its point.`
  }
}

/**
 * The right to be a room's only writer.
 *
 * @since 0.1.0
 * @category models
 */
export interface RoomHold {
  /** The position in the engine's log after the room's last event, if the log knows one. */
  readonly point: () => LogPosition | undefined
  /** Appends events. Completes when they are in the log. */
  readonly append: (events: ReadonlyArray<RoomEvent>) => Effect.Effect<void, NotHeld>
  /** Completes when another writer may have the room. */
  readonly lost: Effect.Effect<void>
}

/**
 * The service behind `RoomLog`.
 *
 * @since 0.1.0
 * @category models
 */
export interface RoomLogShape {
  /**
   * Listens to a room. `after` is how far the listener remembers the room; it then hears what came since. A log that knows
   * less than the listener goes on with the listener's epoch and number.
   */
  readonly listen: (room: string, after: RoomPlace | undefined, hear: (news: RoomNews) => void) => RoomListening
  /**
   * Adds events of one of many writers. Synchronous; never blocks or throws. `at` is the place of the first event in a room
   * that is numbered by its writer: events that the log has already are not added again, and numbers that are left out are
   * gone. Otherwise the log numbers the events.
   */
  readonly offer: (room: string, events: ReadonlyArray<RoomEvent>, at?: RoomPlace) => void
  /** Completes when everything offered so far is in the log, or counted as dropped, within seconds. */
  readonly flush: Effect.Effect<void>
  /** Waits until nobody else holds the room, and holds it until the scope closes. */
  readonly hold: (room: string) => Effect.Effect<RoomHold, never, Scope.Scope>
  /** Whether the log can be reached. */
  readonly available: () => boolean
}
