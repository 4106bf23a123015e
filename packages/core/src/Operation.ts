/**
 * Long tasks as data, and how to run them.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import {
  isOperationEnded,
  type OperationEvent,
  type OperationLine,
  type OperationProgress,
  type OperationStream,
  type OperationTarget
} from "./LogEvent.js"
import { operationFailure } from "./internal/api/errors/operationFailure.js"
import { currentRun } from "./internal/host/runMark.js"
import { LogSink } from "./LogSink.js"

/**
 * One step of an operation: a line of output, the progress of an item, or the result.
 *
 * @since 0.1.0
 * @category models
 */
export type OperationStep<A> =
  | ({ readonly _tag: "Line" } & Pick<OperationLine, "stream" | "text" | "item">)
  | ({ readonly _tag: "Progress" } & Pick<
      OperationProgress,
      "id" | "status" | "current" | "total" | "fraction" | "step" | "resource"
    >)
  | { readonly _tag: "Result"; readonly value: A }

/**
 * A long task as data: its kind, its target, and a stream of its steps. The stream must contain a `Result`; if it contains
 * several, the last one counts. Run it with `Operation.run` or `Operation.start`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Operation<A, E = never, R = never> {
  /** `pull_image`, `run_compose`, ... */
  readonly kind: string
  readonly target: OperationTarget
  readonly steps: Stream.Stream<OperationStep<A>, E, R>
  /** Says in its last event what a run that was interrupted has left behind. It has two seconds. */
  readonly leftBehind?: Effect.Effect<string | undefined, never, R>
}

/**
 * A run of an operation.
 *
 * @since 0.1.0
 * @category models
 */
export interface Run<A, E> {
  /** A UUID, the `logId` of every event of the run. */
  readonly id: string
  /**
   * The run's events, ending with the last one. A subscriber gets up to 4,096 past events first. One that reads too slowly
   * misses lines, visible as gaps in `seq`, but always gets the last event. Subscribers never slow the run.
   */
  readonly events: Stream.Stream<OperationEvent>
  /** The result of the run. Interrupting this effect does not interrupt the run. */
  readonly result: Effect.Effect<A, E>
  /** Interrupts the run. Completes when its last event has been delivered. */
  readonly cancel: Effect.Effect<void>
}

const timestamp = Effect.map(Clock.currentTimeMillis, (millis) => new Date(millis).toISOString())

type EndFields = Pick<OperationEvent, "logId" | "kind" | "target" | "seq" | "timestamp">

const failedEvent = (end: EndFields, error: unknown): OperationEvent => {
  const message = error instanceof Error && error.message !== "" ? error.message : String(error)
  const failure = operationFailure(error)
  return { ...end, _tag: "OperationFailed", error: message, ...(failure === undefined ? {} : { failure }) }
}

const leftBehind = <A, E, R>(operation: Operation<A, E, R>): Effect.Effect<string | undefined, never, R> =>
  operation.leftBehind === undefined
    ? Effect.succeed(undefined)
    : operation.leftBehind.pipe(
        Effect.interruptible,
        Effect.timeoutOption("2 seconds"),
        Effect.map(Option.getOrUndefined),
        Effect.catchAllCause(() => Effect.succeed(undefined))
      )

const runInto = <A, E, R>(
  operation: Operation<A, E, R>,
  logId: string,
  publish: (events: ReadonlyArray<OperationEvent>) => Effect.Effect<void>,
  flush: Effect.Effect<void>
): Effect.Effect<A, E, R> => {
  const { kind, target } = operation
  const base = { logId, kind, target }
  let seq = 0
  let result = Option.none<A>()

  const publishSteps = (chunk: Chunk.Chunk<OperationStep<A>>) =>
    Effect.flatMap(timestamp, (timestamp) => {
      const events: Array<OperationEvent> = []
      for (const step of chunk) {
        switch (step._tag) {
          // Spreading the step first takes a hundred times as long.
          case "Line":
            events.push({ logId, kind, target, seq: ++seq, timestamp, ...step, _tag: "OperationLine" })
            break
          case "Progress":
            events.push({ logId, kind, target, seq: ++seq, timestamp, ...step, _tag: "OperationProgress" })
            break
          case "Result":
            result = Option.some(step.value)
        }
      }
      return events.length === 0 ? Effect.void : publish(events)
    })

  const work = Stream.runForEachChunk(operation.steps, publishSteps).pipe(
    Effect.flatMap(() =>
      Option.match(result, {
        onNone: () =>
          Effect.dieMessage(`Operation "${operation.kind}" ended without a result: its steps must contain one`),
        onSome: Effect.succeed
      })
    )
  )

  return Effect.gen(function* () {
    yield* publish([{ ...base, _tag: "OperationStarted", seq: 0, timestamp: yield* timestamp }])
    const exit = yield* Effect.exit(Effect.interruptible(work))
    const detail =
      Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause) ? yield* leftBehind(operation) : undefined
    const end = { ...base, seq: ++seq, timestamp: yield* timestamp }
    yield* publish([
      Exit.match(exit, {
        onSuccess: (): OperationEvent => ({ ...end, _tag: "OperationCompleted" }),
        onFailure: (cause) =>
          Cause.isInterruptedOnly(cause)
            ? { ...end, _tag: "OperationInterrupted", ...(detail === undefined ? {} : { detail }) }
            : failedEvent(end, Cause.squash(cause))
      })
    ])
    yield* flush
    return yield* exit
  })
}

/** Forks a run whose events go to the sink, and to `watchers`. */
const fork = <A, E, R>(
  operation: Operation<A, E, R>,
  id: string,
  watchers: (events: ReadonlyArray<OperationEvent>) => Effect.Effect<unknown>
) =>
  Effect.gen(function* () {
    const sink = LogSink.isolated(yield* LogSink)
    const publish = (events: ReadonlyArray<OperationEvent>) =>
      Effect.suspend(() => {
        sink.offer(events)
        return watchers(events)
      })
    // Forked uninterruptible, so that a run that is cancelled at once still emits its first and last event.
    return yield* runInto(operation, id, publish, sink.flush).pipe(
      Effect.locally(currentRun, id),
      Effect.forkScoped,
      Effect.uninterruptible
    )
  })

const resultOf = <A, E>(fiber: Fiber.Fiber<A, E>): Effect.Effect<A, E> => Effect.flatten(Fiber.await(fiber))

const start = <A, E, R>(
  operation: Operation<A, E, R>,
  { id = randomUUID() }: { readonly id?: string } = {}
): Effect.Effect<Run<A, E>, never, R | LogSink | Scope.Scope> =>
  Effect.gen(function* () {
    const subscribers = yield* PubSub.sliding<OperationEvent>({ capacity: 4096, replay: 4096 })
    const fiber = yield* fork(operation, id, (events) => PubSub.publishAll(subscribers, events))
    return {
      id,
      events: Stream.fromPubSub(subscribers).pipe(Stream.takeUntil(isOperationEnded)),
      result: resultOf(fiber),
      cancel: Effect.asVoid(Fiber.interrupt(fiber))
    }
  })

/**
 * Runs long tasks. Every run emits `OperationStarted`, then lines and progress, then exactly one of `OperationCompleted`,
 * `OperationFailed` and `OperationInterrupted`, even if it is interrupted, dies or loses the engine. `seq` numbers the
 * events. All of them go to `LogSink`, which is flushed after the last one.
 *
 * @example
 * ```ts
 * import { LogSink, Operation } from "@dockwire/core"
 * import { Effect, Stream } from "effect"
 *
 * const count: Operation<number> = {
 *   kind: "count",
 *   target: {},
 *   steps: Stream.make(Operation.line("one"), Operation.line("two"), Operation.result(2))
 * }
 * console.log(await Effect.runPromise(Operation.run(count).pipe(Effect.provide(LogSink.layerConsole))))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const Operation = {
  /** A step with a line of output, by default a message of the operation itself. */
  line: (text: string, stream: OperationStream = "system"): OperationStep<never> => ({
    _tag: "Line",
    stream,
    text
  }),
  /** A step with the result. */
  result: <A>(value: A): OperationStep<A> => ({ _tag: "Result", value }),
  /** Runs the operation, with a new id unless one is given, and returns its result. Interrupting the effect interrupts it. */
  run: <A, E, R>(
    operation: Operation<A, E, R>,
    { id }: { readonly id?: string } = {}
  ): Effect.Effect<A, E, R | LogSink> =>
    // Nobody else can watch it, so that there is no need to keep its events.
    Effect.scoped(
      Effect.suspend(() =>
        Effect.flatMap(
          fork(operation, id ?? randomUUID(), () => Effect.void),
          resultOf
        )
      )
    ),
  /** Starts the operation in the background, with a new id unless one is given. Closing the scope interrupts it. */
  start
}
