import type { LogPosition } from "@dockwire/core/LogPosition"
import type { FollowElement, FollowOptions, Logs, LogsError } from "@dockwire/core/Logs"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { ContainerHold, HubShape } from "../rooms/Hub.js"
import type { NotHeld } from "../rooms/log/RoomLogShape.js"
import type { Viewer } from "../rooms/Viewer.js"
import { logStart } from "../rooms/logPositionKeys.js"
import { containerLogsPrefix, containerLogsRoom } from "../Wire.js"
import { errorCode } from "./errorCode.js"
import { InitialLoad } from "./InitialLoad.js"
import { restartAfterDefect, retryWhenAvailable } from "./reconnect.js"

/**
 * The follow of a container's log that feeds the container's room.
 *
 * @since 0.1.0
 * @category models
 */
export interface Follower {
  /** Full id. */
  readonly containerId: string
  readonly room: string
  /** How many of the log's last lines the follower started with; 0 if it resumed from a position. */
  readonly tail: number
  /** The position that the follower resumed from, if any. */
  readonly position: LogPosition | undefined
  /** Completes when the room has the first lines, or the log turned out to be empty, or after 3 seconds. */
  readonly started: Effect.Effect<void>
  /** Completes when the room has every line that the log had when the follower started, or after 3 seconds. */
  readonly loaded: Effect.Effect<void>
  /** Completes when the follower has ended and everything it read is in the room, or after 3 seconds. */
  readonly ended: Effect.Effect<void>
  /** Whether the log had a gap right after `position`. */
  readonly startedWithGap: () => boolean
}

/** What a `ContainerFollower` works with. */
export interface ContainerFollowerOptions {
  readonly hub: HubShape
  readonly logs: Context.Tag.Service<typeof Logs>
  readonly whenAvailable: Effect.Effect<void>
  /** Full id. */
  readonly containerId: string
  readonly tail: number
  readonly position: LogPosition | undefined
}

/** How many lines are published at a time: a fraction of the ring, so that a viewer that keeps up is never overrun. */
const maxBatchLines = 2_000

const upTo3Seconds = (effect: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.asVoid(Effect.timeoutOption(effect, "3 seconds"))

/** Follows one container's log and publishes it to the container's room, at the pace of the room's fastest viewer. */
export class ContainerFollower implements Follower {
  readonly containerId: string
  readonly room: string
  readonly tail: number
  readonly position: LogPosition | undefined
  readonly started: Effect.Effect<void>
  readonly loaded: Effect.Effect<void>
  readonly ended: Effect.Effect<void>
  /** The viewers that watch the container. */
  readonly viewers = new Set<Viewer>()
  private readonly load: InitialLoad
  private readonly closedLatch = Effect.unsafeMakeLatch(false)
  private closed = false
  private hasPublished = false
  private gapAtStart = false

  constructor(private readonly options: ContainerFollowerOptions) {
    this.containerId = options.containerId
    this.room = containerLogsRoom(options.containerId)
    this.tail = options.tail
    this.position = options.position
    this.load = new InitialLoad(options.position)
    this.started = upTo3Seconds(this.load.started)
    this.loaded = upTo3Seconds(this.load.done)
    this.ended = upTo3Seconds(this.closedLatch.await)
  }

  startedWithGap = (): boolean => this.gapAtStart

  /** Follows the log until the container is removed or the log can't be read; viewers then get an `error`. */
  run(): Effect.Effect<void> {
    const holdAndFollow = Effect.scoped(
      Effect.flatMap(this.options.hub.hold(this.containerId), (hold) => {
        return this.follow(hold).pipe(
          Effect.as(false),
          Effect.catchTag("NotHeld", () => Effect.succeed(true)),
          Effect.raceFirst(Effect.as(hold.lost, true))
        )
      })
    )
    return Effect.repeat(holdAndFollow, { while: (isLost) => isLost }).pipe(
      Effect.catchAll((error) => Effect.sync(() => this.reportError(error))),
      Effect.raceFirst(Effect.andThen(this.findEnd(), Effect.never))
    )
  }

  /** Stops publishing, so that another follower can take over the room. Returns false if it had stopped already. */
  close(): boolean {
    if (this.closed) return false
    this.closed = true
    this.load.finish()
    this.closedLatch.unsafeOpen()
    return true
  }

  private follow(hold: ContainerHold): Effect.Effect<void, LogsError | NotHeld> {
    const { logs, whenAvailable } = this.options
    return Stream.suspend(() => logs.followBatches(this.containerId, this.followOptions(hold))).pipe(
      Stream.runForEach((batch) => this.publishSlices(hold, batch)),
      (follow) => retryWhenAvailable(follow, whenAvailable),
      (follow) => restartAfterDefect(follow, "Following a container for its room died. It continues.")
    )
  }

  /** Continues where the room ends, or else starts as requested. */
  private followOptions(hold: ContainerHold): FollowOptions {
    const last = hold.point() ?? this.position
    return last === undefined ? { tail: this.tail } : { position: last }
  }

  private publishSlices(hold: ContainerHold, batch: ReadonlyArray<FollowElement>): Effect.Effect<void, NotHeld> {
    if (batch.length <= maxBatchLines) return this.publish(hold, batch)
    const slices = Array.from({ length: Math.ceil(batch.length / maxBatchLines) }, (_, index) =>
      batch.slice(index * maxBatchLines, (index + 1) * maxBatchLines)
    )
    return Effect.forEach(slices, (slice) => this.publish(hold, slice), { discard: true })
  }

  private publish(hold: ContainerHold, batch: ReadonlyArray<FollowElement>): Effect.Effect<void, NotHeld> {
    return Effect.suspend(() => {
      if (this.closed) return Effect.never
      const isGap = batch[0]?._tag === "LogMark" && batch[0].mark === "gap"
      return Effect.flatMap(hold.append(batch), () => {
        if (!this.hasPublished && isGap) this.gapAtStart = true
        this.hasPublished ||= batch.length > 0
        this.load.published(batch)
        return this.options.hub.awaitDemand(this.room)
      })
    })
  }

  /** Asks the engine for the last line that the log has now. */
  private findEnd(): Effect.Effect<void> {
    return this.options.logs.read(this.containerId, { tail: 1 }).pipe(
      Stream.runLast,
      Effect.map(
        Option.match({
          onNone: () => {
            this.options.hub.findRing(this.room)?.startAt(logStart(this.containerId))
            return ""
          },
          onSome: (line) => line.timestamp
        })
      ),
      Effect.catchAll(() => Effect.succeed("")),
      Effect.map((timestamp) => this.load.setEnd(timestamp))
    )
  }

  private reportError(error: LogsError): void {
    for (const viewer of this.viewers) {
      const requestedRoom = viewer.membership(this.room)?.requestedRoom ?? this.room
      const about = requestedRoom.slice(containerLogsPrefix.length)
      viewer.send({ event: "error", data: { code: errorCode(error._tag), message: error.message, about } })
    }
  }
}
