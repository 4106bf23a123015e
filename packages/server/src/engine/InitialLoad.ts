import type { LogPosition } from "@dockwire/core/LogPosition"
import type { FollowElement } from "@dockwire/core/Logs"
import * as Effect from "effect/Effect"
import { isBeforeFirst, lastRecordTime } from "../rooms/logPositionKeys.js"

/** Detects when a follower has published everything that the log had when the follower started. */
export class InitialLoad {
  private readonly latch = Effect.unsafeMakeLatch(false)
  private readonly startedLatch = Effect.unsafeMakeLatch(false)
  /** The timestamp of the last line that the log had at the start; `undefined` until it is known. */
  private end: string | undefined
  /** The latest timestamp that was published. */
  private reached: string

  constructor(position: LogPosition | undefined) {
    this.reached = position === undefined || isBeforeFirst(position) ? "" : lastRecordTime(position)
  }

  /** Completes when everything is published. */
  readonly done: Effect.Effect<void> = this.latch.await

  /** Completes when something is published, or nothing will be. */
  readonly started: Effect.Effect<void> = this.startedLatch.await

  /** Sets the timestamp of the last line that the log had at the start: empty if it had none, or if it can't be read. */
  setEnd(timestamp: string): void {
    this.end = timestamp
    if (timestamp === "") this.startedLatch.unsafeOpen()
    this.check()
  }

  published(elements: ReadonlyArray<FollowElement>): void {
    for (const element of elements) {
      if (element._tag === "LogLine" && element.timestamp > this.reached) this.reached = element.timestamp
    }
    this.startedLatch.unsafeOpen()
    this.check()
  }

  /** The follower has ended: nothing more is published. */
  finish(): void {
    this.startedLatch.unsafeOpen()
    this.latch.unsafeOpen()
  }

  private check(): void {
    if (this.end !== undefined && this.reached >= this.end) this.finish()
  }
}
