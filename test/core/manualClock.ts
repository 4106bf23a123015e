import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

/** Until all fibers sleep. Only for what waits for nothing but the clock, such as an engine in memory. */
const settle = async (): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, 0))
  await new Promise((resolve) => setImmediate(resolve))
}

/** A clock that stands still unless it is advanced, faster than a `TestClock`. */
export class ManualClock implements Clock.Clock {
  readonly [Clock.ClockTypeId]: Clock.ClockTypeId = Clock.ClockTypeId
  #now: number
  readonly #sleepers = new Set<Sleeper>()

  constructor(start: number) {
    this.#now = start
  }

  unsafeCurrentTimeMillis(): number {
    return this.#now
  }

  unsafeCurrentTimeNanos(): bigint {
    return BigInt(this.#now) * 1_000_000n
  }

  readonly currentTimeMillis = Effect.sync(() => this.unsafeCurrentTimeMillis())
  readonly currentTimeNanos = Effect.sync(() => this.unsafeCurrentTimeNanos())

  sleep(duration: Parameters<Clock.Clock["sleep"]>[0]): Effect.Effect<void> {
    return Effect.async((resume) => {
      const at = this.#now + Duration.toMillis(duration)
      const sleeper: Sleeper = { at, wake: () => resume(Effect.void) }
      this.#sleepers.add(sleeper)
      return Effect.sync(() => this.#sleepers.delete(sleeper))
    })
  }

  /** Lets time pass: wakes what sleeps, in order, and each time waits until all sleep again. */
  advance(millis: number): Effect.Effect<void> {
    return Effect.promise(async () => {
      const end = this.#now + millis
      for (;;) {
        await settle()
        const next = [...this.#sleepers].reduce<Sleeper | undefined>(
          (first, sleeper) => (first === undefined || sleeper.at < first.at ? sleeper : first),
          undefined
        )
        if (next === undefined || next.at > end) break
        this.#now = Math.max(this.#now, next.at)
        this.#sleepers.delete(next)
        next.wake()
      }
      this.#now = end
    })
  }
}
