/** Writes what is recorded into the database, for as long as there is one, and opens it again when it broke. */
import type { OperationEvent } from "@dockwire/core/LogEvent"
import type { SqlError } from "@effect/sql/SqlError"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { HistoryStatus } from "../../OperationSummary.js"
import type { DatabaseUnavailable, OpenDatabase } from "../OperationDatabase.js"
import type { OperationOrigin, UnfinishedRun } from "../OperationStore.js"
import { readOrderLimit, readUnfinished, reserveOrders, storeOrderLimit, unfinishedGap } from "./openRuns.js"
import { defaultRecordBufferLimits, RecordBuffer, type RecordBufferLimits } from "./RecordBuffer.js"
import { applyRetention, type RetentionLimits } from "./retention.js"
import { type KnownRuns, writeEvents } from "./writeEvents.js"

/** The settings of the writer. */
export interface HistoryWriterOptions {
  readonly retention: RetentionLimits
  readonly buffer?: RecordBufferLimits
  /** How long a database that cannot be opened or written is left alone, in milliseconds. Default: 5,000. */
  readonly retryAfter?: number
}

/** The time between two writes. What comes in it is at risk if the server is killed. */
const writeInterval = "50 millis"
const retentionInterval = "1 minute"
const openTimeout = "10 seconds"
const flushTimeout = "5 seconds"

/** How many reserved numbers are left when the next ones are reserved. */
const reserve = 500_000

const slow = "The history could not be written as fast as events came."
const opening: HistoryStatus = { available: false, reason: "It is being opened." }

const textOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}

const availableWith = ({ notice }: OpenDatabase): HistoryStatus => ({
  available: true,
  ...(notice === undefined ? {} : { reason: notice })
})

const makeSignals = Effect.all({
  unfinished: Queue.unbounded<UnfinishedRun>(),
  status: SubscriptionRef.make<HistoryStatus>(opening),
  /** Opens when there is something to write, and when somebody waits for it. */
  wake: Effect.makeLatch(false),
  urgent: Effect.makeLatch(false),
  opened: Deferred.make<void>()
})

type Opening = Effect.Effect<OpenDatabase, DatabaseUnavailable, Scope.Scope>

export class HistoryWriter {
  private readonly buffer: RecordBuffer
  private readonly known: KnownRuns = { rows: new Map(), origins: new Map(), own: new Set() }
  private readonly flushChecks = new Set<() => void>()
  private readonly retryAfter: number
  private orderLimit = 0
  /** Whether the last number of the history is known. */
  private isNumbered = false
  /** What is wrong at the start is told by whoever starts the server. */
  private hasStarted = false
  status: HistoryStatus = opening
  /** Set while it is open. */
  database: OpenDatabase | undefined

  private constructor(
    private readonly options: HistoryWriterOptions,
    private readonly open: Opening,
    readonly signals: Effect.Effect.Success<typeof makeSignals>
  ) {
    this.buffer = new RecordBuffer(options.buffer ?? defaultRecordBufferLimits)
    this.retryAfter = options.retryAfter ?? 5_000
  }

  /** Writes until the scope is closed. The database is opened meanwhile. */
  static readonly make = (options: HistoryWriterOptions, open: Opening) =>
    Effect.gen(function* () {
      const writer = new HistoryWriter(options, open, yield* makeSignals)
      yield* Effect.forkScoped(Effect.forever(Effect.interruptible(writer.session)))
      yield* Effect.forkScoped(Effect.delay(writer.attempted, openTimeout))
      return writer
    })

  /** Completes when the first attempt to open the database has ended, or takes too long. */
  readonly opened: Effect.Effect<void> = Effect.suspend(() =>
    this.isOpening ? Deferred.await(this.signals.opened) : Effect.void
  )

  get isOpening(): boolean {
    return !this.hasStarted
  }

  /** See `OperationHistory`. */
  record(events: ReadonlyArray<OperationEvent>): number | undefined {
    for (const event of events) if (event._tag === "OperationStarted") this.known.own.add(event.logId)
    if (!this.isNumbered) return undefined
    const first = this.buffer.add(events)
    this.signals.wake.unsafeOpen()
    return first
  }

  originate(origin: OperationOrigin): void {
    this.known.own.add(origin.logId)
    this.known.origins.set(origin.logId, origin)
  }

  /** See `OperationHistory`. */
  get lastOrder(): number | undefined {
    return this.isNumbered ? this.buffer.lastOrder : undefined
  }

  /** Completes when what is recorded now is stored, or cannot be. */
  readonly flush: Effect.Effect<void> = Effect.async<void>((resume) => {
    const last = this.buffer.lastOrder
    const check = () => {
      if (this.database !== undefined && this.status.available && this.buffer.storedOrder < last) return
      this.flushChecks.delete(check)
      resume(Effect.void)
    }
    this.flushChecks.add(check)
    this.signals.wake.unsafeOpen()
    this.signals.urgent.unsafeOpen()
    check()
    return Effect.sync(() => this.flushChecks.delete(check))
  }).pipe(Effect.timeoutOption(flushTimeout), Effect.asVoid)

  private readonly attempted = Effect.suspend(() => {
    this.hasStarted = true
    return Deferred.succeed(this.signals.opened, undefined)
  })

  private readonly checkFlushes = Effect.sync(() => {
    for (const check of this.flushChecks) check()
  })

  private setStatus(next: HistoryStatus): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { available, reason } = this.status
      this.status = next
      if (available === next.available && reason === next.reason) return Effect.void
      const news = next.available ? Effect.logInfo("Operations are kept again.") : Effect.logWarning(next.reason)
      return Effect.zipRight(this.hasStarted ? news : Effect.void, SubscriptionRef.set(this.signals.status, next))
    })
  }

  /** Opens the database, and writes until it is broken. */
  private readonly session = Effect.suspend(() => this.open).pipe(
    Effect.tap((database) => this.begin(database)),
    Effect.tap((database) => Effect.addFinalizer(() => this.end(database))),
    Effect.tap(() => this.attempted),
    Effect.tap(() => this.signals.wake.open),
    Effect.flatMap((database) => Effect.raceFirst(this.writing(database), this.retaining(database))),
    Effect.scoped,
    Effect.catchAllCause((cause) =>
      Cause.isInterruptedOnly(cause) ? Effect.interrupt : this.setStatus({ available: false, reason: textOf(cause) })
    ),
    Effect.zipRight(this.attempted),
    Effect.zipRight(Effect.suspend(() => Effect.sleep(this.retryAfter)))
  )

  private begin(database: OpenDatabase): Effect.Effect<void, SqlError> {
    const { buffer, known } = this
    const { sql } = database
    return Effect.gen(this, function* () {
      // It may be another file than before.
      known.rows.clear()
      buffer.lastOrder = Math.max(buffer.lastOrder, yield* readOrderLimit(sql))
      for (const run of yield* readUnfinished(sql, (logId) => known.own.has(logId))) {
        buffer.addGap(unfinishedGap(run, ++buffer.lastOrder))
        yield* Queue.offer(this.signals.unfinished, run)
      }
      this.orderLimit = yield* reserveOrders(sql, buffer.lastOrder)
      this.isNumbered = true
      this.database = database
      yield* this.setStatus(availableWith(database))
    })
  }

  private end(database: OpenDatabase): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.database = undefined
      return this.writeAll(database).pipe(
        Effect.zipRight(Effect.suspend(() => storeOrderLimit(database.sql, this.buffer.lastOrder))),
        Effect.timeout(flushTimeout),
        Effect.catchAllCause((cause) => Effect.logDebug("The last events were not stored.", cause))
      )
    })
  }

  /** Writes everything that is recorded now. */
  private writeAll(database: OpenDatabase): Effect.Effect<void, SqlError> {
    const { buffer, known } = this
    return Effect.gen(this, function* () {
      while (!buffer.isEmpty) {
        const { events, gaps } = buffer.next()
        const remember = yield* writeEvents(database.sql, known, events, gaps)
        remember()
        buffer.written(events.length, gaps)
        buffer.fullReason = slow
        if (!this.status.available) yield* this.setStatus(availableWith(database))
        yield* this.checkFlushes
      }
      if (buffer.lastOrder > this.orderLimit - reserve) {
        this.orderLimit = yield* reserveOrders(database.sql, buffer.lastOrder)
      }
    })
  }

  private write(database: OpenDatabase): Effect.Effect<void, SqlError> {
    const { urgent, wake } = this.signals
    return wake.await.pipe(
      Effect.zipRight(wake.close),
      Effect.zipRight(this.writeAll(database)),
      Effect.zipRight(Effect.raceFirst(Effect.sleep(writeInterval), urgent.await)),
      Effect.zipRight(urgent.close)
    )
  }

  /** Writes until the database is broken. What cannot be written is tried again. */
  private writing(database: OpenDatabase): Effect.Effect<void> {
    return Effect.exit(this.write(database)).pipe(
      Effect.flatMap((exit) => {
        if (Exit.isSuccess(exit)) return Effect.succeed(true)
        const error = Cause.squash(exit.cause)
        const reason = database.explain(error)
        this.buffer.fullReason = `${reason}.`
        return Effect.gen(this, function* () {
          yield* this.setStatus({ available: false, reason: `${reason}. Live logs go on.` })
          yield* this.checkFlushes
          if (database.isBroken(error)) return false
          yield* Effect.sleep(this.retryAfter)
          yield* this.signals.wake.open
          return true
        })
      }),
      Effect.repeat({ while: (more) => more }),
      Effect.asVoid
    )
  }

  private retaining({ reclaim, sql }: OpenDatabase): Effect.Effect<never> {
    return Effect.suspend(() => applyRetention(sql, this.options.retention, Date.now())).pipe(
      Effect.flatMap((deleted) => (deleted > 0 ? reclaim : Effect.void)),
      // The next write tells what is wrong.
      Effect.catchAllCause((cause) => Effect.logDebug("Deleting old operations failed.", cause)),
      Effect.zipRight(Effect.sleep(retentionInterval)),
      Effect.forever
    )
  }
}
