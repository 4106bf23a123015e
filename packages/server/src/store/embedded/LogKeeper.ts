/** Keeps the thread that writes running, and takes batches for it. */
import { InvalidRequest } from "@dockwire/core/DockerError"
import * as Effect from "effect/Effect"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { LogBatch, LogResumePoint, LogRetention } from "../LogRecord.js"
import type { LogStoreStatus } from "../LogStore.js"
import { LogStoreBehind, LogStoreUnavailable } from "../LogStoreError.js"
import type { ReadCalls, ThreadData, WriteCalls, WriterNews } from "../thread/messages.js"
import { AppendBuffer } from "./AppendBuffer.js"
import { columnBatch } from "./columnBatch.js"
import { explainFailure, isDamage } from "./explainFailure.js"
import { ReaderPool } from "./ReaderPool.js"
import { CallFailed, StoreThread } from "./StoreThread.js"

export interface LogKeeperOptions {
  readonly file: string
  readonly program: URL
  readonly retention: LogRetention
  /** How long a file that cannot be used is left alone, in milliseconds. */
  readonly retryAfter: number
}

const opening: LogStoreStatus = { available: false, reason: "The kept logs are being opened." }
const openTimeout = "10 seconds"
const closeTimeout = "5 seconds"
const slow = "Logs come faster than they can be stored."

type WriterThread = StoreThread<WriteCalls>

export class LogKeeper {
  status: LogStoreStatus = opening
  readonly readers: ReaderPool
  private writer: WriterThread | undefined
  private readonly buffer: AppendBuffer
  /** The number of the last element that was taken of each container, since the thread began. */
  private readonly taken = new Map<string, number>()
  private isDamaged = false
  private hasStarted = false
  private changed: (status: LogStoreStatus) => void = () => {}

  private constructor(
    private readonly options: LogKeeperOptions,
    readonly statuses: SubscriptionRef.SubscriptionRef<LogStoreStatus>
  ) {
    this.buffer = new AppendBuffer((batches) => this.writer?.send({ batches }))
    this.readers = new ReaderPool(() => new StoreThread<ReadCalls>(options.program, this.dataFor("read")))
  }

  /** Keeps it running until the scope is closed. Waits for the first attempt to open the file. */
  static readonly make = (options: LogKeeperOptions) =>
    Effect.gen(function* () {
      const keeper = new LogKeeper(options, yield* SubscriptionRef.make(opening))
      const tried = yield* Effect.makeLatch(false)
      const news = yield* Effect.makeSemaphore(1)
      const run = yield* Effect.runtime()
      keeper.changed = (status) => {
        tried.unsafeOpen()
        Effect.runFork(Effect.provide(news.withPermits(1)(keeper.tell(status)), run))
      }
      yield* Effect.forkScoped(Effect.forever(Effect.interruptible(keeper.session)))
      yield* Effect.timeoutOption(tried.await, openTimeout)
      keeper.hasStarted = true
      return keeper
    })

  /** Whether there is a file to read. */
  get isOpen(): boolean {
    return this.writer !== undefined
  }

  get unavailable(): LogStoreUnavailable {
    return new LogStoreUnavailable({ reason: this.status.reason ?? slow })
  }

  /** See `LogStore`. */
  append(batch: LogBatch): Effect.Effect<void, LogStoreUnavailable | LogStoreBehind | InvalidRequest> {
    const { after, containerId, elements } = batch
    return Effect.gen(this, function* () {
      const columns = columnBatch(batch)
      if (columns instanceof InvalidRequest) return yield* Effect.fail(columns)
      if (!this.isOpen || !(yield* this.buffer.hasRoom)) return yield* Effect.fail(this.unavailable)
      const known = this.taken.get(containerId)
      const point = known === undefined ? yield* this.resume(containerId) : { number: known }
      const number = point?.number ?? 0
      if (after > number) {
        const position = known === undefined ? point?.position : (yield* this.resume(containerId))?.position
        return yield* Effect.fail(
          new LogStoreBehind({ containerId, number, ...(position === undefined ? {} : { position }) })
        )
      }
      // Another batch of the container may have come while this one waited. The thread leaves out what it has.
      this.taken.set(containerId, Math.max(this.taken.get(containerId) ?? 0, number, after + elements.length))
      this.buffer.add(columns)
    })
  }

  resume(containerId: string): Effect.Effect<LogResumePoint | undefined, LogStoreUnavailable> {
    this.buffer.sendNow()
    return this.ask((writer) => writer.ask("resume", containerId))
  }

  /** Completes when everything that was taken is stored, or cannot be. */
  readonly flush: Effect.Effect<void> = Effect.suspend(() => {
    this.buffer.sendNow()
    return this.ask((writer) => writer.ask("flush", undefined))
  }).pipe(Effect.timeoutOption(closeTimeout), Effect.ignore)

  retain(
    limits: LogRetention
  ): Effect.Effect<{ readonly records: number; readonly bytes: number }, LogStoreUnavailable> {
    return this.ask((writer) => writer.ask("retain", limits))
  }

  /** An error of a thread, as others see it. */
  failed(error: unknown): LogStoreUnavailable {
    const failure = error instanceof CallFailed ? error : { code: "", message: String(error) }
    // The thread that writes gives the file another name when it begins again.
    if (isDamage(failure)) {
      this.isDamaged = true
      this.writer?.ask("close", undefined).catch(() => {})
    }
    return new LogStoreUnavailable({ reason: explainFailure(this.options.file, failure) })
  }

  private ask<A>(call: (writer: WriterThread) => Promise<A>): Effect.Effect<A, LogStoreUnavailable> {
    return Effect.suspend(() => {
      const { writer } = this
      if (writer === undefined) return Effect.fail(this.unavailable)
      return Effect.tryPromise({ try: () => call(writer), catch: (error) => this.failed(error) })
    })
  }

  private dataFor(role: ThreadData["role"]): ThreadData {
    const { file, retention } = this.options
    return { role, file, retention, isDamaged: this.isDamaged }
  }

  private setStatus(next: LogStoreStatus): void {
    const { available, reason } = this.status
    this.status = next
    if (available !== next.available || reason !== next.reason) this.changed(next)
  }

  private tell(status: LogStoreStatus): Effect.Effect<void> {
    const { available, reason } = status
    const news = reason === undefined ? Effect.logInfo("Container logs are kept again.") : Effect.logWarning(reason)
    // What is wrong at the start is told by whoever starts the server.
    const isNews = this.hasStarted && (available ? true : reason !== opening.reason)
    return Effect.zipRight(isNews ? news : Effect.void, SubscriptionRef.set(this.statuses, status))
  }

  private readonly receive = (news: WriterNews): void => {
    if (news.news === "opened") {
      this.isDamaged = false
      this.setStatus({ available: true, ...(news.notice === undefined ? {} : { reason: news.notice }) })
    } else if (news.news === "committed") {
      this.buffer.stored(news.bytes)
      if (!this.status.available) this.setStatus({ available: true })
    } else {
      if (news.news === "broken") this.isDamaged ||= isDamage(news)
      this.setStatus({ available: false, reason: explainFailure(this.options.file, news) })
    }
  }

  /** Runs the thread until it ends, and waits before the next one. */
  private readonly session = Effect.acquireUseRelease(
    Effect.sync(() => {
      const opened = new StoreThread<WriteCalls>(this.options.program, this.dataFor("write"), (news) => {
        if (news.news === "opened") this.writer = opened
        this.receive(news)
      })
      return opened
    }),
    (writer) => Effect.promise(() => writer.exited),
    (writer) =>
      Effect.promise(async () => {
        this.buffer.sendNow()
        await writer.ask("close", undefined).catch(() => {})
        await writer.exited
        this.writer = undefined
        this.taken.clear()
        this.buffer.clear()
        await this.readers.closeAll()
      }).pipe(Effect.timeoutOption(closeTimeout))
  ).pipe(
    Effect.zipRight(
      Effect.suspend(() => {
        if (this.status.available) this.setStatus(opening)
        return Effect.sleep(this.isDamaged ? 0 : this.options.retryAfter)
      })
    )
  )
}
