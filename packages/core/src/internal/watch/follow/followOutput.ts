import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { LogLine, LogMark, LogPart, LogStream } from "../../../LogEvent.js"
import type { LogPosition } from "../../../LogPosition.js"
import { millisTimestamp } from "../../api/engineTime.js"
import type { DeliveryTracker, Gap } from "../../logs/deliveryTracker.js"

/**
 * A value with the position directly after it.
 *
 * @since 0.1.0
 * @category models
 */
export type Positioned<A> = A & { readonly position: LogPosition }

/**
 * An element of a follow: a line or a mark, with the position directly after it.
 *
 * @since 0.1.0
 * @category models
 */
export type FollowElement = Positioned<LogLine> | Positioned<LogMark>

/** The time of this process, in the engine's format. */
export const currentTimestamp = Effect.map(Clock.currentTimeMillis, millisTimestamp)

/** Builds the elements of a follow, and hands them over in batches. */
export class FollowOutput {
  #batch: Array<FollowElement> = []
  #lastError = ""
  #batches = 0

  constructor(
    readonly tracker: DeliveryTracker,
    /** The streams to deliver; both if `undefined`. */
    readonly streams: ReadonlyArray<LogStream> | undefined,
    readonly offer: (batch: ReadonlyArray<FollowElement>) => Effect.Effect<unknown>
  ) {}

  /** How many batches have been handed over. */
  get batches(): number {
    return this.#batches
  }

  /** Adds a line. `undelivered` are the tokens of the records after it. */
  line(
    stream: LogStream,
    timestamp: string,
    text: string,
    part: LogPart | undefined,
    undelivered: ReadonlyArray<number>
  ): void {
    if (this.streams !== undefined && !this.streams.includes(stream)) return
    if (part !== undefined && !this.tracker.part(stream, timestamp, part)) return
    const { containerId } = this.tracker
    const position = this.tracker.position(undelivered)
    this.#lastError = ""
    this.#batch.push(
      part === undefined
        ? { _tag: "LogLine", containerId, stream, timestamp, text, position }
        : { _tag: "LogLine", containerId, stream, timestamp, text, part, position }
    )
  }

  /** Adds a gap in front of the record with this token. */
  gap({ from, to }: Gap, token: number, reason: string): void {
    const { containerId } = this.tracker
    const position = this.tracker.position([token])
    this.#batch.push({ _tag: "LogMark", mark: "gap", containerId, timestamp: to, from, to, reason, position })
  }

  /** Adds an error of the engine, unless it repeats the last one with no line in between. */
  engineError(message: string, undelivered?: ReadonlyArray<number>): Effect.Effect<void> {
    return Effect.map(currentTimestamp, (timestamp) => {
      if (message === this.#lastError) return
      this.#lastError = message
      const { containerId } = this.tracker
      const position = this.tracker.position(undelivered)
      this.#batch.push({ _tag: "LogMark", mark: "engine_error", containerId, timestamp, message, position })
    })
  }

  started(timestamp: string): void {
    const { containerId } = this.tracker
    this.#batch.push({ _tag: "LogMark", mark: "started", containerId, timestamp, position: this.tracker.position() })
  }

  stopped(timestamp: string, exitCode: number | undefined): void {
    const { containerId } = this.tracker
    const position = this.tracker.position()
    this.#batch.push(
      exitCode === undefined
        ? { _tag: "LogMark", mark: "stopped", containerId, timestamp, position }
        : { _tag: "LogMark", mark: "stopped", containerId, timestamp, exitCode, position }
    )
  }

  removed(timestamp: string): void {
    const { containerId } = this.tracker
    this.#batch.push({ _tag: "LogMark", mark: "removed", containerId, timestamp, position: this.tracker.position() })
  }

  /** Hands over what has been added. Waits while the reader is busy. */
  readonly flush: Effect.Effect<void> = Effect.suspend(() => {
    if (this.#batch.length === 0) return Effect.void
    const batch = this.#batch
    this.#batch = []
    this.#batches++
    return Effect.asVoid(this.offer(batch))
  })
}
