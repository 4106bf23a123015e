import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Mailbox from "effect/Mailbox"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import type { DockerShape } from "../../../Docker.js"
import { type DockerFailure, InvalidRequest, type LogsUnreadable } from "../../../DockerError.js"
import type { LogStream } from "../../../LogEvent.js"
import { LogPosition, type LogRun } from "../../../LogPosition.js"
import { parseEngineTime, toEngineTime, type LogTime, timestampMillis } from "../../api/engineTime.js"
import { reopenLog } from "../../api/schedules.js"
import { DeliveryTracker } from "../../logs/deliveryTracker.js"
import { inspectSubject, type LogsError, type LogSubject } from "../../logs/logRequest.js"
import { currentTimestamp, type FollowElement, FollowOutput } from "./followOutput.js"
import type { ReadError } from "./logScanner.js"
import { ResumingReader } from "./resumingReader.js"
import { never, type RunChange, RunHistory } from "./runHistory.js"

/**
 * Where a follow begins, and what it delivers.
 *
 * @since 0.1.0
 * @category models
 */
export interface FollowOptions {
  /** Begins with the last `tail` lines, counted as in `ReadOptions`; 0 for new lines only. Default: all lines. */
  readonly tail?: number
  /** Begins at this time, with nanosecond precision. */
  readonly since?: LogTime
  /** Default: both. */
  readonly streams?: ReadonlyArray<LogStream>
  /** Begins after this position of an earlier follow, which may be one of another process. Overrides `tail` and `since`. */
  readonly position?: LogPosition | string
}

/** How long after a process ended the engine may still be reading its output. */
const outputDelayMillis = 100

const parsePosition = (position: LogPosition | string | undefined) =>
  typeof position === "string" ? LogPosition.parse(position) : Effect.succeed(position)

/**
 * Follows one container: reads the log of its runs in order, puts the marks between them, and survives lost connections and
 * restarts of the engine.
 */
class LogFollower {
  readonly #reader: ResumingReader
  readonly #history: RunHistory
  /** The defect that was logged last, unless lines have been delivered since. */
  #lastDefect: string | undefined

  constructor(
    readonly docker: DockerShape,
    readonly first: LogSubject,
    readonly output: FollowOutput,
    start: { readonly tail: number | undefined; readonly since: string | undefined }
  ) {
    this.#reader = new ResumingReader(docker, output, { ...start, isEmpty: first.startedAt === never }, first.tty)
    this.#history = new RunHistory(docker, first.id)
  }

  /** Follows until the container is removed. Fails only if the log could never be opened. */
  get run(): Effect.Effect<void, LogsUnreadable | DockerFailure> {
    return Effect.gen(this, function* () {
      const backoff = yield* Schedule.driver(reopenLog)
      let subject: LogSubject | undefined = this.first
      while (subject !== undefined) {
        const present: LogSubject = subject
        const batches = this.output.batches
        subject = yield* Effect.gen(this, function* () {
          yield* this.#attempt(present)
          if (this.output.batches > batches) {
            this.#lastDefect = undefined
            yield* backoff.reset
          } else yield* Effect.ignore(backoff.next(undefined))
          return yield* this.#inspect(backoff)
        }).pipe(
          // A defect must not end a follow: it continues where it was.
          Effect.catchAllDefect((defect) =>
            this.#reportDefect(defect).pipe(Effect.zipRight(Effect.ignore(backoff.next(undefined))), Effect.as(present))
          )
        )
      }
      yield* this.#finish
    })
  }

  #reportDefect(defect: unknown): Effect.Effect<void> {
    const message = `following the log died: ${String(defect)}`
    const isNew = message !== this.#lastDefect
    this.#lastDefect = message
    return Effect.zipRight(
      isNew ? Effect.logError("Following a log died. It continues.", Cause.die(defect)) : Effect.void,
      this.#reportError(message)
    )
  }

  /** Follows the container in its present state. A lost connection ends it without an error. */
  #attempt(subject: LogSubject): Effect.Effect<void, LogsUnreadable | DockerFailure> {
    return this.#follow(subject).pipe(
      Effect.catchTags({
        ContainerNotFound: () => Effect.void,
        EngineUnavailable: () => Effect.void,
        EngineError: (error) =>
          // The container is about to be removed, which the next inspect shows.
          /dead or marked for removal/.test(error.detail)
            ? Effect.void
            : this.#reader.hasOpened
              ? this.#reportError(error.message)
              : Effect.fail(error)
      })
    )
  }

  /** Inspects the container until the engine answers. Returns `undefined` if the container is gone. */
  #inspect(backoff: Schedule.ScheduleDriver<unknown>): Effect.Effect<LogSubject | undefined> {
    return inspectSubject(this.docker, this.first.id).pipe(
      Effect.catchTag("ContainerNotFound", () => Effect.succeed(undefined)),
      Effect.tapErrorTag("EngineError", (error) => this.#reportError(error.message)),
      Effect.tapError(() => Effect.ignore(backoff.next(undefined))),
      Effect.eventually
    )
  }

  #reportError(message: string): Effect.Effect<void> {
    return Effect.zipRight(this.output.engineError(message), this.output.flush)
  }

  /** Delivers what there is to deliver in the container's present state. Ends when that state may have changed. */
  #follow(subject: LogSubject): Effect.Effect<void, ReadError> {
    return Effect.gen(this, function* () {
      const { tracker } = this.output
      const run = (tracker.run ??= { startedAt: subject.startedAt, ended: subject.startedAt === never })
      if (run.startedAt !== subject.startedAt) {
        for (const change of yield* this.#history.changesSince(run, subject)) yield* this.#changeRun(change, subject)
      }
      if (subject.running) return yield* this.#reader.read(subject, { follow: true })
      if (tracker.run?.ended === false && !(yield* this.#endRun(subject))) return
      yield* this.#history.untilChanged(subject)
    })
  }

  /** Delivers the rest of the run that `change` ended, and the marks up to the run that it started. */
  #changeRun({ exitCode, outputEndedAt, startedAt, stoppedAt }: RunChange, subject: LogSubject) {
    return Effect.gen(this, function* () {
      const { tracker } = this.output
      const { run } = tracker
      if (run !== undefined && !run.ended) {
        // The last lines may have timestamps just after the stop, and the first lines of the next run just before the start
        // that the engine reports.
        const margin =
          stoppedAt === undefined
            ? 5
            : Math.max(1, Math.floor((timestampMillis(startedAt) - timestampMillis(stoppedAt)) / 2))
        const until = outputEndedAt === undefined ? toEngineTime(startedAt, -margin) : toEngineTime(outputEndedAt)
        yield* this.#reader.read(subject, { until, flush: true })
        this.#stop(run, stoppedAt ?? startedAt, exitCode)
      }
      tracker.run = { startedAt, ended: false }
      this.output.started(startedAt)
      yield* this.output.flush
    })
  }

  /** Delivers the rest of a run that is over, and its mark. Returns false if the container has been started again. */
  #endRun(subject: LogSubject): Effect.Effect<boolean, ReadError> {
    return Effect.gen(this, function* () {
      // A later run may begin while this one is read. Its lines belong after the marks.
      const outputEnd = yield* this.#history.outputEnd(subject)
      if (outputEnd === undefined) {
        yield* this.#reader.read(subject, { until: toEngineTime(subject.finishedAt, outputDelayMillis) })
        if ((yield* inspectSubject(this.docker, subject.id)).startedAt !== subject.startedAt) return false
        yield* this.#reader.read(subject, { flush: true })
      } else yield* this.#reader.read(subject, { until: toEngineTime(outputEnd), flush: true })
      const { run } = this.output.tracker
      if (run !== undefined) this.#stop(run, subject.finishedAt, subject.exitCode)
      yield* this.output.flush
      return true
    })
  }

  #stop(run: LogRun, timestamp: string, exitCode: number | undefined): void {
    this.output.tracker.run = { ...run, ended: true }
    this.output.stopped(timestamp, exitCode)
  }

  /** Delivers the last line and the marks of a container that has been removed. */
  get #finish(): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      const { tracker } = this.output
      const run = tracker.run ?? { startedAt: never, ended: true }
      this.#reader.delivery.complete()
      const { removedAt, stopped } = yield* this.#history.removal(run)
      if (stopped !== undefined && !run.ended) this.#stop(run, stopped.timestamp, stopped.exitCode)
      tracker.run = { ...run, ended: true }
      this.output.removed(removedAt ?? (yield* currentTimestamp))
      yield* this.output.flush
    })
  }
}

/** Follows a container's log without end: its lines, and marks between them. */
export const followLog = (
  docker: DockerShape,
  id: string,
  options: FollowOptions
): Stream.Stream<ReadonlyArray<FollowElement>, LogsError> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const position = yield* parsePosition(options.position)
      const since =
        options.since === undefined || position !== undefined
          ? undefined
          : yield* parseEngineTime("since", options.since)
      const first = yield* inspectSubject(docker, id)
      if (position !== undefined && position.containerId !== first.id) {
        return yield* new InvalidRequest({
          field: "position",
          value: position.toString(),
          detail: `belongs to container ${position.containerId}, not to ${first.id}`
        })
      }
      // A small buffer: while the reader is busy, nothing is read from the engine beyond what the connection buffers.
      const elements = yield* Mailbox.make<ReadonlyArray<FollowElement>, LogsError>({ capacity: 4 })
      const tracker = new DeliveryTracker(first.id, position)
      const output = new FollowOutput(tracker, options.streams, (batch) => elements.offer(batch))
      const start = { tail: position === undefined ? options.tail : undefined, since }
      yield* new LogFollower(docker, first, output, start).run.pipe(Mailbox.into(elements), Effect.forkScoped)
      return Mailbox.toStream(elements)
    })
  )
