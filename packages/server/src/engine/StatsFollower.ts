import type { ContainerStats, StatsShape } from "@dockwire/core/Stats"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Viewer } from "../rooms/Viewer.js"
import { type ContainerStatsData, type ContainerStatsMessage, containerStatsRoom } from "../Wire.js"
import { errorCode } from "./errorCode.js"
import { restartAfterDefect, retryWhenAvailable } from "./reconnect.js"

/** What a `StatsFollower` works with. */
export interface StatsFollowerOptions {
  readonly stats: StatsShape
  readonly whenAvailable: Effect.Effect<void>
  /** Full id. */
  readonly containerId: string
}

/** A viewer, and when it gets the next reading. */
interface Watching {
  interval: number
  due: number
}

/** The engine reads once a second, not to the millisecond: a reading is due when it comes this much early. */
const tolerance = 250

const dataOf = (stats: ContainerStats): ContainerStatsData =>
  stats._tag === "Stopped"
    ? { status: "stopped" }
    : {
        status: "running",
        name: stats.name,
        cpu_percent: stats.cpuPercent,
        memory_usage: stats.memoryUsage,
        memory_limit: stats.memoryLimit,
        memory_percent: stats.memoryPercent,
        network_received: stats.networkReceived,
        network_sent: stats.networkSent,
        block_read: stats.blockRead,
        block_written: stats.blockWritten,
        pids: stats.pids
      }

/** Follows one container's stats, and sends each viewer the readings that are due. */
export class StatsFollower {
  readonly room: string
  private readonly watching = new Map<Viewer, Watching>()
  /** The last reading, encoded. */
  private latest: Buffer | undefined

  constructor(private readonly options: StatsFollowerOptions) {
    this.room = containerStatsRoom(options.containerId)
  }

  get viewers(): ReadonlyArray<Viewer> {
    return [...this.watching.keys()]
  }

  has(viewer: Viewer): boolean {
    return this.watching.has(viewer)
  }

  /** Adds a viewer, or changes its interval. It gets the last reading at once. */
  add(viewer: Viewer, interval: number): void {
    const watching = { interval, due: 0 }
    this.watching.set(viewer, watching)
    if (this.latest !== undefined) this.send(viewer, watching, this.latest, Date.now())
  }

  /** Returns whether the viewer was there. */
  remove(viewer: Viewer): boolean {
    return this.watching.delete(viewer)
  }

  /** Follows the stats until the container is removed, or they can't be read; viewers then get an `error`. */
  run(): Effect.Effect<void> {
    const { containerId, stats, whenAvailable } = this.options
    return Stream.runForEach(stats.stream(containerId), (reading) => Effect.sync(() => this.take(reading))).pipe(
      (follow) => retryWhenAvailable(follow, whenAvailable),
      (follow) => restartAfterDefect(follow, "Following the stats of a container died. It continues."),
      Effect.matchEffect({
        onSuccess: () => Effect.sync(() => this.publish({ status: "removed" }, new Date().toISOString(), true)),
        onFailure: (error) => Effect.sync(() => this.reportError(errorCode(error._tag), error.message))
      })
    )
  }

  private take(reading: ContainerStats): void {
    const isStopped = reading._tag === "Stopped"
    this.publish(dataOf(reading), isStopped ? new Date().toISOString() : reading.timestamp, isStopped)
  }

  private publish(stats: ContainerStatsData, timestamp: string, isUrgent: boolean): void {
    const message: ContainerStatsMessage = {
      event: "container_stats",
      room: this.room,
      data: { container_id: this.options.containerId, stats, timestamp }
    }
    const frame = Buffer.from(JSON.stringify([message]))
    this.latest = frame
    const now = Date.now()
    for (const [viewer, watching] of this.watching) {
      // One that reads slowly gets the reading that is then the latest.
      if (isUrgent || (now >= watching.due - tolerance && !viewer.isBusy)) this.send(viewer, watching, frame, now)
    }
  }

  private send(viewer: Viewer, watching: Watching, frame: Buffer, now: number): void {
    watching.due = now + watching.interval
    viewer.write(frame)
  }

  private reportError(code: string, message: string): void {
    for (const viewer of this.watching.keys()) {
      viewer.send({
        event: "error",
        data: { code, message, about: viewer.membership(this.room)?.requestedRoom ?? this.room }
      })
    }
  }
}
