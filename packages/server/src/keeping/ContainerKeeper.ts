import type { Containers } from "@dockwire/core/Containers"
import type { DockerFailure, InvalidRequest } from "@dockwire/core/DockerError"
import type { LogLine, LogMark } from "@dockwire/core/LogEvent"
import { LogPosition } from "@dockwire/core/LogPosition"
import type { FollowElement, Logs, LogsError } from "@dockwire/core/Logs"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { reconnectDelay, restartAfterDefect } from "../engine/reconnect.js"
import type { LogResumePoint, LogSourceKey } from "../store/LogRecord.js"
import type { LogStoreShape } from "../store/LogStore.js"
import type { LogStoreBehind, LogStoreUnavailable } from "../store/LogStoreError.js"

/** What all keepers work with. */
export interface KeeperServices {
  readonly store: LogStoreShape
  readonly logs: Context.Tag.Service<typeof Logs>
  readonly containers: Context.Tag.Service<typeof Containers>
  readonly whenAvailable: Effect.Effect<void>
  readonly redact: (text: string) => string
  /** Lets a few logs of containers that do not run be read at a time. */
  readonly turn: Effect.Semaphore
}

/** A container, as the engine lists it. */
export interface KeptContainer {
  /** Full id. */
  readonly id: string
  readonly name: string
  readonly source: LogSourceKey
  readonly isRunning: boolean
  /** How many of its last lines are read if nothing of it is kept yet. */
  readonly tail: number
}

type StoreError = LogStoreUnavailable | LogStoreBehind | InvalidRequest

/** A batch is offered again after this time, as long as the store is only busy. */
const retryAfter = Schedule.spaced("100 millis")

const isStopped = (element: LogLine | LogMark | undefined): boolean =>
  element?._tag === "LogMark" && element.mark === "stopped"

const isRemoved = (element: LogLine | LogMark | undefined): boolean =>
  element?._tag === "LogMark" && element.mark === "removed"

/** Is stored in place of a position when the log of a removed container is whole. */
const end = "end"

/** In UTC with nine fractional digits. */
const normalized = (time: string): string => {
  const fraction = /\.(\d{1,9})/.exec(time)?.[1] ?? ""
  return `${new Date(Date.parse(time)).toISOString().slice(0, 19)}.${fraction.padEnd(9, "0")}Z`
}

/** Keeps the log of one container: reads what the store does not have yet, and follows it while the container runs. */
export class ContainerKeeper {
  private readonly news = Effect.unsafeMakeLatch(true)
  /** How many elements of the log the store has. */
  private number = 0
  private lastComplaint: string | undefined
  private removedAt: string | undefined

  constructor(
    private readonly services: KeeperServices,
    /** As it was listed last. */
    public container: KeptContainer,
    /** When the engine said that it was started, if it did. */
    private startedAt: string | undefined
  ) {}

  /** Takes over how the engine lists it now, and whether it was started since the last time. */
  setContainer(container: KeptContainer, startedAt: string | undefined): void {
    const hasChanged = startedAt !== undefined || container.isRunning !== this.container.isRunning
    this.container = container
    this.startedAt ??= startedAt
    if (hasChanged) this.news.unsafeOpen()
  }

  /** The engine lists it no longer. */
  setRemoved(at: string | undefined): void {
    this.removedAt ??= at
    this.news.unsafeOpen()
  }

  /** Completes when the container is removed and what there was of its log is kept. */
  readonly run: Effect.Effect<void> = Effect.suspend(() => {
    const round = Effect.zipRight(this.news.await, restartAfterDefect(this.round, "Keeping a log died. It continues."))
    return Effect.asVoid(Effect.repeat(round, { until: (isOver) => isOver }))
  })

  /** Keeps what there is. Returns whether that is all there will ever be. */
  private readonly round: Effect.Effect<boolean> = Effect.suspend(() => {
    this.news.unsafeClose()
    const keep = Effect.flatMap(this.resume, (point) => this.keepAfter(point))
    return (this.container.isRunning ? keep : this.services.turn.withPermits(1)(keep)).pipe(
      Effect.catchTags({
        ContainerNotFound: () => this.finish,
        EngineUnavailable: () => this.again(this.services.whenAvailable),
        LogStoreUnavailable: () => this.again(this.storeAvailable),
        LogStoreBehind: () => this.again(Effect.void),
        LogsUnreadable: (error) => this.complain(error.message),
        EngineError: (error) => Effect.zipRight(this.complain(error.message), this.again(Effect.sleep("10 seconds"))),
        InvalidRequest: (error) => this.complain(error.message)
      }),
      Effect.catchTag("LogStoreUnavailable", () => this.again(this.storeAvailable)),
      Effect.catchTag("LogStoreBehind", () => this.again(Effect.void)),
      Effect.catchTag("InvalidRequest", (error) => this.complain(error.message))
    )
  })

  private readonly resume = Effect.suspend(() =>
    Effect.map(this.services.store.resume(this.container.id), (point) => {
      const found: LogResumePoint = Option.getOrElse(point, () => ({ number: 0 }))
      this.number = found.number
      return found
    })
  )

  private keepAfter({ position }: LogResumePoint): Effect.Effect<boolean, LogsError | DockerFailure | StoreError> {
    return Effect.gen(this, function* () {
      const { container, services } = this
      if (position === end) return true
      const from = position === undefined ? undefined : yield* LogPosition.parse(position)
      if (from?.state.run?.ended === true && !container.isRunning) {
        const { state } = yield* services.containers.inspect(container.id)
        if (normalized(state.startedAt) === from.state.run.startedAt) return false
      }
      const options = from === undefined ? { tail: container.tail } : { position: from }
      const last = yield* services.logs.followBatches(container.id, options).pipe(
        Stream.takeUntil((batch) => isStopped(batch.at(-1))),
        Stream.mapEffect((batch) => Effect.as(this.append(batch), batch.at(-1))),
        Stream.runLast
      )
      // It may have been started again meanwhile.
      this.news.unsafeOpen()
      return Option.exists(last, isRemoved)
    })
  }

  private append(batch: ReadonlyArray<FollowElement>): Effect.Effect<void, StoreError> {
    const elements = batch.map((element) => {
      if (element._tag === "LogLine") return { ...element, text: this.services.redact(element.text) }
      const { position: _, ...mark } = element
      return mark
    })
    const last = batch.at(-1)
    return this.store(elements, isRemoved(last) ? end : last?.position.toString())
  }

  private store(
    elements: ReadonlyArray<LogLine | LogMark>,
    position: string | undefined
  ): Effect.Effect<void, StoreError> {
    const { container, services } = this
    const batch = {
      source: container.source,
      containerId: container.id,
      containerName: container.name,
      after: this.number,
      elements,
      ...(position === undefined ? {} : { position })
    }
    return services.store.append(batch).pipe(
      // Meanwhile, nothing more is read from the engine.
      Effect.retry({
        schedule: retryAfter,
        while: (error) => error._tag === "LogStoreUnavailable" && services.store.status().available
      }),
      Effect.map(() => {
        this.number += elements.length
        this.lastComplaint = undefined
      })
    )
  }

  /** The container is gone. What it may have logged in the end is said to be missing. */
  private readonly finish: Effect.Effect<boolean, StoreError> = Effect.gen(this, function* () {
    const { id } = this.container
    const { position: text } = yield* this.resume
    const position = text === undefined ? undefined : yield* LogPosition.parse(text)
    const run = position?.state.run
    const now = yield* Clock.currentTimeMillis
    const timestamp = this.removedAt ?? normalized(new Date(now).toISOString())
    const last = position?.state.window.timestamps.at(-1) ?? run?.startedAt ?? this.startedAt
    const isWhole = run === undefined ? this.startedAt === undefined : run.ended
    if (last === undefined) return true
    const removed: LogMark = { _tag: "LogMark", mark: "removed", containerId: id, timestamp }
    const gap: LogMark = {
      _tag: "LogMark",
      mark: "gap",
      containerId: id,
      timestamp: last,
      from: last,
      to: timestamp,
      reason: "The container was removed before the end of its log was read."
    }
    yield* this.store(isWhole ? [removed] : [gap, removed], end)
    return true
  })

  private readonly storeAvailable: Effect.Effect<void> = Effect.suspend(() =>
    this.services.store.statusChanges.pipe(
      Stream.filter(({ available }) => available),
      Stream.take(1),
      Stream.runDrain
    )
  )

  private again(when: Effect.Effect<void>): Effect.Effect<boolean> {
    return Effect.sleep(reconnectDelay).pipe(
      Effect.zipRight(when),
      Effect.map(() => {
        this.news.unsafeOpen()
        return false
      })
    )
  }

  /** Says once why the log is not kept. The next start of the container is the next attempt. */
  private complain(message: string): Effect.Effect<boolean> {
    return Effect.suspend(() => {
      if (message === this.lastComplaint) return Effect.succeed(false)
      this.lastComplaint = message
      return Effect.as(Effect.logWarning(`The log of ${this.container.name} is not kept: ${message}`), false)
    })
  }
}
