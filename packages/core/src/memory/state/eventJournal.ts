import * as Effect from "effect/Effect"
import type { EngineClock } from "../time/engineClock.js"

/** An event as the engine stores it. */
export interface JournalEvent {
  readonly type: "container" | "image" | "network" | "volume"
  readonly action: string
  /** The id of the object; for a volume its name. */
  readonly id: string
  readonly attributes: Readonly<Record<string, string>>
  /** Nanoseconds since the epoch. */
  readonly nanos: bigint
}

/** As many events as Docker Engine keeps for `since`. */
const capacity = 256

/** The engine's events: keeps the most recent ones and publishes new ones to its subscribers. */
export class EventJournal {
  #events: Array<JournalEvent> = []
  readonly #subscribers = new Set<(event: JournalEvent) => void>()

  constructor(readonly clock: EngineClock) {}

  /** The most recent events, oldest first. */
  get events(): ReadonlyArray<JournalEvent> {
    return this.#events
  }

  publish(
    type: JournalEvent["type"],
    action: string,
    id: string,
    attributes: Readonly<Record<string, string>>
  ): Effect.Effect<void> {
    return Effect.map(this.clock.now, (nanos) => {
      const event: JournalEvent = { type, action, id, attributes, nanos }
      this.#events = [...this.#events.slice(1 - capacity), event]
      for (const notify of this.#subscribers) notify(event)
    })
  }

  /** Returns a function that cancels the subscription. */
  subscribe(subscriber: (event: JournalEvent) => void): () => void {
    this.#subscribers.add(subscriber)
    return () => this.#subscribers.delete(subscriber)
  }
}
