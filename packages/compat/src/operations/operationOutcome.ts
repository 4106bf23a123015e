import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import type { OperationLine } from "@dockwire/core/LogEvent"
import { LogSink, type LogSinkShape } from "@dockwire/core/LogSink"
import { Operation } from "@dockwire/core/Operation"
import type { CompatServices } from "../run/servicesLayer.js"
import { run, type SetupFailed } from "../runtime.js"
import { whileRunning } from "./endings.js"
import { causeText, type Failure, failureOf } from "../run/failureText.js"
import type { EventOptions } from "./eventOptions.js"
import { GuardedLog, isOperationLog, logArgument, type OperationLog } from "./operationLog.js"
import type { Outcome } from "../run/outcome.js"

/** What an operation has printed, and how it failed. */
export interface Printed {
  /** Without white space around them. */
  readonly lines: ReadonlyArray<string>
  /** The lines of the operation itself. */
  readonly notes: ReadonlyArray<string>
}

/** Why an operation failed: the failure, unless it was interrupted, and its text. */
export interface WhyFailed {
  readonly error: Failure | SetupFailed | undefined
  readonly text: string
}

/** How an operation ends. */
interface End {
  /** Lines that the output lacks, such as the message of an engine that is gone. */
  readonly more?: ReadonlyArray<string>
  /** The last line. */
  readonly last?: string
  readonly output: string
}

/** An old function that is an operation of core. */
export interface OldOperation<A> {
  /** What its events call it if its arguments are invalid. */
  readonly kind: string
  readonly operation: Effect.Effect<Operation<A, Failure, never>, Failure, CompatServices>
  /** The argument `operation_log`. */
  readonly log: unknown
  /** The first line, before those of the operation. */
  readonly first?: string
  /** Whether a line belongs to the output. Default: all. */
  readonly isOutput?: (line: Pick<OperationLine, "stream">) => boolean
  readonly onSuccess: (printed: Printed) => End
  readonly onFailure: (printed: Printed, why: WhyFailed) => End
}

/** What a logger says of its events: whether the sink of the program gets them, and what they are about. */
const eventOptionsOf = (log: OperationLog | undefined): EventOptions =>
  log !== undefined && "eventOptions" in log && isEventOptions(log.eventOptions)
    ? log.eventOptions
    : { toSink: true, target: {} }

const isEventOptions = (value: unknown): value is EventOptions =>
  typeof value === "object" && value !== null && "toSink" in value && "target" in value

/** The sink as an operation of the old functions sees it: its events are also about what the logger says. */
const sinkFor = (sink: LogSinkShape, { target, toSink }: EventOptions): LogSinkShape =>
  toSink
    ? {
        offer: (events) =>
          sink.offer(
            events.map((event) => ("logId" in event ? { ...event, target: { ...event.target, ...target } } : event))
          ),
        flush: sink.flush
      }
    : { offer: () => {}, flush: Effect.void }

/** What is printed by one call of an old function, and told to its log. */
class OldRun<A> {
  readonly #printed = { lines: new Array<string>(), notes: new Array<string>() }
  #ending: { readonly success: boolean; readonly end: End } | undefined

  constructor(
    private readonly old: OldOperation<A>,
    private readonly log: GuardedLog
  ) {}

  private readonly take = (line: Pick<OperationLine, "stream" | "text">): void => {
    const text = line.text.trim()
    if (this.old.isOutput?.(line) === false) return void this.#printed.notes.push(text)
    if (text === "") return
    this.#printed.lines.push(text)
    this.log.line(text)
  }

  /** How it has ended. The first time, the log gets the last lines. */
  readonly end = (
    exit: Exit.Exit<unknown, Failure | SetupFailed>
  ): { readonly success: boolean; readonly end: End } => {
    if (this.#ending !== undefined) return this.#ending
    const { old } = this
    const end = Exit.isSuccess(exit)
      ? old.onSuccess(this.#printed)
      : old.onFailure(this.#printed, { error: failureOf(exit.cause), text: causeText(exit.cause) })
    this.#ending = { success: Exit.isSuccess(exit), end }
    for (const text of lastLines(end)) this.log.line(text)
    return this.#ending
  }

  /** The operation with the first and the last lines of the old function: the sink gets what the log gets. */
  readonly framed = (operation: Operation<A, Failure>): Operation<A, Failure> => {
    const { first } = this.old
    const last = (exit: Exit.Exit<void, Failure>) =>
      Stream.suspend(() => Stream.fromIterable(lastLines(this.end(exit).end).map((text) => Operation.line(text))))
    const steps = operation.steps.pipe(
      Stream.mapChunksEffect((chunk) =>
        Effect.sync(() => {
          for (const step of chunk) if (step._tag === "Line") this.take(step)
          return chunk
        })
      ),
      Stream.concat(last(Exit.void)),
      Stream.catchAllCause((cause) => Stream.concat(last(Exit.failCause(cause)), Stream.failCause(cause)))
    )
    return {
      ...operation,
      steps: first === undefined ? steps : Stream.concat(Stream.make(Operation.line(first)), steps)
    }
  }
}

const lastLines = ({ last, more = [] }: End): ReadonlyArray<string> => (last === undefined ? more : [...more, last])

/** Runs an operation. The log gets the lines while it runs, and is completed exactly once, however it ends. */
export const operationOutcome = async <A>(old: OldOperation<A>): Promise<Outcome> => {
  const own = isOperationLog(old.log) ? old.log : undefined
  const log = new GuardedLog(own)
  const events = eventOptionsOf(own)
  const call = new OldRun(old, log)
  const effect = Effect.gen(function* () {
    const operation = yield* Effect.zipRight(logArgument(old.log), old.operation).pipe(
      // A call that is refused is an operation that fails, for who watches the sink.
      Effect.catchAll((error) => Effect.succeed({ kind: old.kind, target: {}, steps: Stream.fail(error) }))
    )
    const sink = sinkFor(yield* LogSink, events)
    const options = events.logId === undefined ? {} : { id: events.logId }
    return yield* Effect.provideService(Operation.run(call.framed(operation), options), LogSink, sink)
  })
  const controller = new AbortController()
  if (old.first !== undefined) log.line(old.first)
  const ended = run<A, Failure>(effect, controller.signal).then((exit): Outcome => {
    const { end, success } = call.end(exit)
    log.complete(success)
    return [success, end.output]
  })
  whileRunning({ interrupt: () => controller.abort(), abandon: () => log.complete(false), ended })
  return ended
}
