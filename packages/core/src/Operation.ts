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
import { isOperationEnded, type LogStream, type OperationEvent, type OperationTarget } from "./LogEvent.js"
import { LogSink } from "./LogSink.js"

/** One step of an operation: a line of output, how far a part has come, or its result. */
export type OperationStep<A> =
  | { readonly _tag: "Line"; readonly stream: LogStream | "system"; readonly text: string }
  | {
      readonly _tag: "Progress"
      readonly id: string
      readonly status: string
      readonly current?: number
      readonly total?: number
    }
  | { readonly _tag: "Result"; readonly value: A }

/**
 * A long task as data: what kind, on what, and the stream of its steps. The stream must hold one `Result`; a later one
 * replaces it. Run it with `Operation.run` or `Operation.start`.
 */
export interface Operation<A, E = never, R = never> {
  /** `pull_image`, `run_compose`, ... */
  readonly kind: string
  readonly target: OperationTarget
  readonly steps: Stream.Stream<OperationStep<A>, E, R>
}

/** A run of an operation. */
export interface Run<A, E> {
  /** A UUID; every event of the run carries it as `logId`. */
  readonly id: string
  /**
   * The run's events, from the first for who comes within the first 4,096 of them, and always the last one; then it
   * ends. Who reads too slowly misses lines, which `seq` shows, and never slows the run.
   */
  readonly events: Stream.Stream<OperationEvent>
  /** The outcome. Waiting for it doesn't keep the run alive, and interrupting the wait doesn't end it. */
  readonly result: Effect.Effect<A, E>
  /** Interrupts the run; done when its last event is delivered. */
  readonly cancel: Effect.Effect<void>
}

const timestamp = Effect.map(Clock.currentTimeMillis, (millis) => new Date(millis).toISOString())

const sentence = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error && error.message !== "" ? error.message : String(error)
}

const runInto = <A, E, R>(
  operation: Operation<A, E, R>,
  logId: string,
  publish: (events: ReadonlyArray<OperationEvent>) => Effect.Effect<void>,
  flush: Effect.Effect<void>
): Effect.Effect<A, E, R> => {
  const base = { logId, kind: operation.kind, target: operation.target }
  let seq = 0
  let result = Option.none<A>()

  const take = (chunk: Chunk.Chunk<OperationStep<A>>) =>
    Effect.flatMap(timestamp, (timestamp) => {
      const events: Array<OperationEvent> = []
      for (const step of chunk) {
        switch (step._tag) {
          case "Line":
            events.push({ ...base, _tag: "OperationLine", seq: ++seq, timestamp, stream: step.stream, text: step.text })
            break
          case "Progress": {
            const { _tag: _, ...progress } = step
            events.push({ ...base, ...progress, _tag: "OperationProgress", seq: ++seq, timestamp })
            break
          }
          case "Result":
            result = Option.some(step.value)
        }
      }
      return events.length === 0 ? Effect.void : publish(events)
    })

  const work = Stream.runForEachChunk(operation.steps, take).pipe(
    Effect.flatMap(() =>
      Option.match(result, {
        onNone: () => Effect.dieMessage(`The operation ${operation.kind} ended without a result`),
        onSome: Effect.succeed
      })
    )
  )

  return Effect.gen(function* () {
    yield* publish([{ ...base, _tag: "OperationStarted", seq: 0, timestamp: yield* timestamp }])
    const exit = yield* Effect.exit(Effect.interruptible(work))
    const end = { ...base, seq: ++seq, timestamp: yield* timestamp }
    yield* publish([
      Exit.match(exit, {
        onSuccess: (): OperationEvent => ({ ...end, _tag: "OperationCompleted" }),
        onFailure: (cause) =>
          Cause.isInterruptedOnly(cause)
            ? { ...end, _tag: "OperationInterrupted" }
            : { ...end, _tag: "OperationFailed", error: sentence(cause) }
      })
    ])
    yield* flush
    return yield* exit
  })
}

const start = <A, E, R>(operation: Operation<A, E, R>): Effect.Effect<Run<A, E>, never, R | LogSink | Scope.Scope> =>
  Effect.gen(function* () {
    const sink = LogSink.isolated(yield* LogSink)
    const id = randomUUID()
    const watchers = yield* PubSub.sliding<OperationEvent>({ capacity: 4096, replay: 4096 })
    const publish = (events: ReadonlyArray<OperationEvent>) =>
      Effect.suspend(() => {
        sink.offer(events)
        return PubSub.publishAll(watchers, events)
      })
    // Forked uninterruptible, so that a run cancelled before its first step still says that it began and ended.
    const fiber = yield* runInto(operation, id, publish, sink.flush).pipe(Effect.forkScoped, Effect.uninterruptible)
    return {
      id,
      events: Stream.fromPubSub(watchers).pipe(Stream.takeUntil(isOperationEnded)),
      result: Effect.flatten(Fiber.await(fiber)),
      cancel: Effect.asVoid(Fiber.interrupt(fiber))
    }
  })

/**
 * Long tasks. Every run has an id and gives `OperationStarted`, then lines and progress numbered by `seq`, then exactly
 * one of `OperationCompleted`, `OperationFailed`, `OperationInterrupted`: also when it is interrupted, dies, or loses its
 * engine. All of them go to `LogSink`, and the last one is flushed.
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
 */
export const Operation = {
  /** A line of output as a step; the operation's own voice where no stream is named. */
  line: (text: string, stream: LogStream | "system" = "system"): OperationStep<never> => ({
    _tag: "Line",
    stream,
    text
  }),
  /** The outcome as a step. */
  result: <A>(value: A): OperationStep<A> => ({ _tag: "Result", value }),
  /** Runs the operation to its outcome. Interrupting it interrupts the operation. */
  run: <A, E, R>(operation: Operation<A, E, R>): Effect.Effect<A, E, R | LogSink> =>
    Effect.scoped(Effect.flatMap(start(operation), (run) => run.result)),
  /** Starts the operation in the background, until it ends or the scope closes. */
  start
}
