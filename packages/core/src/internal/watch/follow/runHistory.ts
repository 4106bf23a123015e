import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { DockerShape } from "../../../Docker.js"
import type { LogRun } from "../../../LogPosition.js"
import { toEngineTime, nanosTimestamp } from "../../api/engineTime.js"
import type { LogSubject } from "../../logs/logRequest.js"
import { engineEvents } from "../engineEvents.js"
import type { EngineEvent } from "../eventModel.js"

/** The engine's time for something that has never happened. */
export const never = "0001-01-01T00:00:00.000000000Z"

/** The step from one run of a container to the next. */
export interface RunChange {
  /** When the run before stopped; `undefined` if the engine no longer knows. */
  readonly stoppedAt: string | undefined
  readonly exitCode: number | undefined
  /**
   * When the engine had read all output of the run before, so that no line of it has a later timestamp: the time of its
   * `die` event, which the engine emits then. `undefined` if it no longer has the event.
   */
  readonly outputEndedAt: string | undefined
  /** When the next run started. */
  readonly startedAt: string
}

/** How a container ended that has been removed. */
export interface Removal {
  readonly stopped: { readonly timestamp: string; readonly exitCode: number | undefined } | undefined
  readonly removedAt: string | undefined
}

const unknownEnd: Omit<RunChange, "startedAt"> = {
  stoppedAt: undefined,
  exitCode: undefined,
  outputEndedAt: undefined
}

/** The engine emits `die` once it has read the remaining output, which takes seconds at most. */
const dieEventDelayMillis = 15_000

const exitCodeOf = (event: EngineEvent): number | undefined => {
  const exitCode = event.attributes["exitCode"]
  return exitCode === undefined || !/^\d+$/.test(exitCode) ? undefined : Number(exitCode)
}

/**
 * The run changes from `run` to the container's present run, by the `start` and `die` events that the engine still has. The
 * last one is always to the present run; what is not in the events is taken from the container's state.
 */
export const runChanges = (
  events: ReadonlyArray<EngineEvent>,
  run: LogRun,
  subject: LogSubject
): ReadonlyArray<RunChange> => {
  const changes: Array<RunChange> = []
  let ended = unknownEnd
  for (const event of events) {
    const timestamp = nanosTimestamp(event.timeNano)
    if (event.action === "die") {
      ended = { stoppedAt: timestamp, exitCode: exitCodeOf(event), outputEndedAt: timestamp }
    } else if (ended.stoppedAt !== undefined || run.startedAt === never) {
      // The event follows shortly after the start.
      const isPresent = timestamp >= subject.startedAt
      changes.push({ ...ended, startedAt: isPresent ? subject.startedAt : timestamp })
      ended = unknownEnd
    }
  }
  if (changes.at(-1)?.startedAt === subject.startedAt) return changes
  const finishedAt =
    subject.finishedAt > run.startedAt && subject.finishedAt < subject.startedAt ? subject.finishedAt : undefined
  return [...changes, { ...ended, stoppedAt: ended.stoppedAt ?? finishedAt, startedAt: subject.startedAt }]
}

/** Reads from the engine's events when a container started, stopped and was removed. */
export class RunHistory {
  /** Just after the last event that `untilChanged` saw. */
  #seenUntil = ""

  constructor(
    readonly docker: DockerShape,
    readonly containerId: string
  ) {}

  /** The run changes from `run` to the container's present run. */
  changesSince(run: LogRun, subject: LogSubject): Effect.Effect<ReadonlyArray<RunChange>> {
    const isPresentStart = (event: EngineEvent) =>
      event.action === "start" && nanosTimestamp(event.timeNano) >= subject.startedAt
    return Effect.map(this.#eventsSince(run, ["start", "die"], isPresentStart), (events) =>
      runChanges(events, run, subject)
    )
  }

  /** How the container's last run ended and when it was removed, as far as the engine knows. */
  removal(run: LogRun): Effect.Effect<Removal> {
    const isRemoval = (event: EngineEvent) => event.action === "destroy"
    return Effect.map(this.#eventsSince(run, ["die", "destroy"], isRemoval), (events) => {
      const died = events.findLast((event) => event.action === "die")
      const destroyed = events.find(isRemoval)
      return {
        stopped:
          died === undefined ? undefined : { timestamp: nanosTimestamp(died.timeNano), exitCode: exitCodeOf(died) },
        removedAt: destroyed === undefined ? undefined : nanosTimestamp(destroyed.timeNano)
      }
    })
  }

  /** When the engine had read all output of a run that is over (see `RunChange`); `undefined` if it no longer knows. */
  outputEnd({ finishedAt }: LogSubject): Effect.Effect<string | undefined> {
    return engineEvents(this.docker, {
      since: toEngineTime(finishedAt),
      until: toEngineTime(finishedAt, dieEventDelayMillis),
      filters: { container: [this.containerId], event: ["die"] }
    }).pipe(
      Stream.interruptAfter("1 second"),
      Stream.runHead,
      Effect.map((event) => (Option.isSome(event) ? nanosTimestamp(event.value.timeNano) : undefined)),
      Effect.orElseSucceed(() => undefined)
    )
  }

  /** Waits until a stopped container may have been started or removed: also if the connection is lost. */
  untilChanged({ finishedAt, startedAt }: LogSubject): Effect.Effect<void> {
    const changedAt = finishedAt > startedAt ? finishedAt : startedAt
    const since = this.#seenUntil > changedAt ? this.#seenUntil : changedAt
    return engineEvents(this.docker, {
      since: since === never ? "1" : toEngineTime(since),
      filters: { container: [this.containerId], event: ["start", "destroy"] }
    }).pipe(
      Stream.take(1),
      Stream.runForEach((event) =>
        Effect.sync(() => {
          this.#seenUntil = nanosTimestamp(event.timeNano + 1n)
        })
      ),
      Effect.ignore
    )
  }

  /** The events since a run started, up to one that must have happened or is about to. */
  #eventsSince(
    run: LogRun,
    actions: ReadonlyArray<string>,
    isLast: (event: EngineEvent) => boolean
  ): Effect.Effect<ReadonlyArray<EngineEvent>> {
    return engineEvents(this.docker, {
      since: run.startedAt === never ? "1" : toEngineTime(run.startedAt),
      filters: { container: [this.containerId], event: actions }
    }).pipe(
      Stream.takeUntil(isLast),
      Stream.interruptAfter("1 second"),
      Stream.runCollect,
      Effect.map(Chunk.toReadonlyArray),
      // An engine that was restarted has no events. The container's state is all there is then.
      Effect.orElseSucceed((): ReadonlyArray<EngineEvent> => [])
    )
  }
}
