import * as Effect from "effect/Effect"
import type { EngineClock } from "../time/engineClock.js"

/** An event as the engine remembers it. */
export interface JournalEvent {
  readonly type: "container" | "image" | "network" | "volume"
  readonly action: string
  readonly id: string
  readonly attributes: Readonly<Record<string, string>>
  readonly nanos: bigint
}

const remembered = 256

/** What happened on the engine: the last events, and those to come for who listens. */
export class EventJournal {
  #events: Array<JournalEvent> = []
  readonly #listeners = new Set<(event: JournalEvent) => void>()

  constructor(readonly clock: EngineClock) {}

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
      this.#events = [...this.#events.slice(1 - remembered), event]
      for (const listener of this.#listeners) listener(event)
    })
  }

  /** Gives what takes the listener off again. */
  subscribe(listener: (event: JournalEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
