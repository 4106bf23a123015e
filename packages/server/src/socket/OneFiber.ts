import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import type * as Runtime from "effect/Runtime"

/** Starts an effect now, or, unless `immediate`, a moment later. */
export type RunFork = (effect: Effect.Effect<void>, options?: Runtime.RunForkOptions) => Fiber.RuntimeFiber<void>

/** One fiber at a time, until it is closed. It is a field or two while there is none, and has no scope of its own. */
export class OneFiber {
  private fiber: Fiber.RuntimeFiber<void> | undefined
  private isClosed = false

  constructor(private readonly runFork: RunFork) {}

  /** Starts an effect, and interrupts the one that is still running. */
  run(effect: Effect.Effect<void>, options?: Runtime.RunForkOptions): void {
    if (this.isClosed) return
    this.fiber?.unsafeInterruptAsFork(FiberId.none)
    const fiber = this.runFork(effect, options)
    this.fiber = fiber
    fiber.addObserver(() => {
      if (this.fiber === fiber) this.fiber = undefined
    })
  }

  /** Interrupts what is running, and starts nothing more. */
  get close(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.isClosed = true
      return this.fiber === undefined ? Effect.void : Effect.asVoid(Fiber.interrupt(this.fiber))
    })
  }
}
