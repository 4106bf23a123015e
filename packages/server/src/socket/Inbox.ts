import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { OneFiber, type RunFork } from "./OneFiber.js"

/** How many frames of a client may be queued. */
const maxQueued = 1_000

/**
 * The frames of one client, carried out one after another. There is a fiber only while there are any: one that waits for the
 * next frame would take more memory than everything else of a connection that is idle.
 */
export class Inbox<Frame> {
  private readonly queued: Array<Frame> = []
  private readonly fiber: OneFiber
  private isRunning = false

  constructor(
    private readonly handle: (frame: Frame) => Effect.Effect<void>,
    /** Called if a frame can't be carried out at all. */
    private readonly onDefect: () => void,
    runFork: RunFork
  ) {
    this.fiber = new OneFiber(runFork)
  }

  /** Returns false if too many frames are queued already. */
  offer(frame: Frame): boolean {
    if (this.queued.length >= maxQueued) return false
    this.queued.push(frame)
    if (this.isRunning) return true
    this.isRunning = true
    this.fiber.run(this.handleAll())
    return true
  }

  /** Drops the frames that are still queued, and takes no more. */
  get close(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.queued.length = 0
      return this.fiber.close
    })
  }

  private handleAll(): Effect.Effect<void> {
    return Effect.whileLoop({
      while: () => {
        this.isRunning = this.queued.length > 0
        return this.isRunning
      },
      body: () => this.handleNext(),
      step: () => {}
    }).pipe(
      Effect.catchAllCause((cause) =>
        Cause.isInterruptedOnly(cause)
          ? Effect.void
          : Effect.zipRight(Effect.logError("Carrying out a client's frame died.", cause), Effect.sync(this.onDefect))
      )
    )
  }

  private handleNext(): Effect.Effect<void> {
    const frame = this.queued.shift()
    return frame === undefined ? Effect.void : this.handle(frame)
  }
}
