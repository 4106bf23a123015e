import * as Effect from "effect/Effect"
import { muteProbe } from "../../api/schedules.js"

/** How long the live stream has to send what the log was seen to have. */
const grace = "1 second"

/**
 * Notices that the engine's live stream no longer sends what is written to the log. That happens when something other than
 * the engine truncates the log's file: the engine reads on from where the file ended before.
 */
export class MuteProbe {
  #chunks = 0
  #isBusy = false
  #isSuspect = false

  /** Whether the live stream was found not to send everything. */
  get isSuspect(): boolean {
    return this.#isSuspect
  }

  /** Notes that the live stream can't be relied on. */
  suspect(): void {
    this.#isSuspect = true
  }

  /** Notes that the live stream has sent something, and that nobody reads it while `effect` runs. */
  during<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      this.#chunks++
      this.#isBusy = true
      return Effect.ensuring(
        effect,
        Effect.sync(() => {
          this.#isBusy = false
        })
      )
    })
  }

  /** Ends when the live stream is silent although the log has news. */
  untilMute<E>(hasNews: Effect.Effect<boolean, E>): Effect.Effect<void, E> {
    return Effect.suspend(() => {
      let before = -1
      const isSilent = () => !this.#isBusy && this.#chunks === before
      const probe = Effect.gen(this, function* () {
        if (!isSilent()) before = this.#chunks
        else if (yield* hasNews) {
          yield* Effect.sleep(grace)
          this.#isSuspect ||= isSilent()
        }
        return this.#isSuspect
      })
      return Effect.asVoid(Effect.repeat(probe, { schedule: muteProbe, until: (isMute) => isMute }))
    })
  }
}
