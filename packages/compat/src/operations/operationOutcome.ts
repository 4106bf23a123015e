import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { LogEvent, OperationLine } from "@dockwire/core/LogEvent"
import { LogSink } from "@dockwire/core/LogSink"
import { Operation } from "@dockwire/core/Operation"
import type { CompatServices } from "../run/servicesLayer.js"
import { run, type SetupFailed } from "../runtime.js"
import type { InvalidArgument } from "../run/arguments.js"
import { whileRunning } from "./endings.js"
import { causeText, type Failure, failureOf } from "../run/failureText.js"
import type { EventOptions } from "./eventOptions.js"
import { GuardedLog, isOperationLog, logArgument } from "./operationLog.js"
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
  /** The last line that the log gets. */
  readonly last?: string
  readonly output: string
}

/** An old function that is an operation of core. */
export interface OldOperation<A> {
  readonly operation: Effect.Effect<Operation<A, Failure, never>, Failure, CompatServices>
  /** The argument `operation_log`. */
  readonly log: unknown
  /** The first line that the log gets, before those of the operation. */
  readonly first?: string
  /** Whether a line belongs to the output. Default: all. */
  readonly isOutput?: (line: OperationLine) => boolean
  readonly onSuccess: (printed: Printed) => End
  readonly onFailure: (printed: Printed, why: WhyFailed) => End
}

/** The events as the sink of the program gets them: also about what the logger says. */
const withTarget = (events: ReadonlyArray<LogEvent>, { target }: EventOptions): ReadonlyArray<LogEvent> =>
  events.map((event) => ("logId" in event ? { ...event, target: { ...event.target, ...target } } : event))

/** What a logger says of its events: whether the sink of the program gets them, and what they are about. */
const eventOptionsOf = (log: unknown): EventOptions =>
  typeof log === "object" && log !== null && "eventOptions" in log && isEventOptions(log.eventOptions)
    ? log.eventOptions
    : { toSink: true, target: {} }

const isEventOptions = (value: unknown): value is EventOptions =>
  typeof value === "object" && value !== null && "toSink" in value && "target" in value

/** Runs an operation. The log gets the lines while it runs, and is completed exactly once, however it ends. */
export const operationOutcome = async <A>(old: OldOperation<A>): Promise<Outcome> => {
  const log = new GuardedLog(isOperationLog(old.log) ? old.log : undefined)
  const events = eventOptionsOf(old.log)
  const printed = { lines: new Array<string>(), notes: new Array<string>() }
  const take = (line: OperationLine) => {
    const text = line.text.trim()
    if (old.isOutput?.(line) === false) return void printed.notes.push(text)
    if (text === "") return
    printed.lines.push(text)
    log.line(text)
  }
  const effect = Effect.gen(function* () {
    yield* logArgument(old.log)
    const operation = yield* old.operation
    const sink = yield* LogSink
    return yield* Operation.run(operation, events.logId === undefined ? {} : { id: events.logId }).pipe(
      Effect.provideService(LogSink, {
        offer: (batch) => {
          for (const event of batch) if (event._tag === "OperationLine") take(event)
          if (events.toSink) sink.offer(withTarget(batch, events))
        },
        flush: events.toSink ? sink.flush : Effect.void
      })
    )
  })
  const controller = new AbortController()
  if (old.first !== undefined) log.line(old.first)
  const ended = run<A, Failure | InvalidArgument>(effect, controller.signal).then((exit): Outcome => {
    const success = Exit.isSuccess(exit)
    const result: End = success
      ? old.onSuccess(printed)
      : old.onFailure(printed, { error: failureOf(exit.cause), text: causeText(exit.cause) })
    for (const text of result.more ?? []) log.line(text)
    if (result.last !== undefined) log.line(result.last)
    log.complete(success)
    return [success, result.output]
  })
  whileRunning({ interrupt: () => controller.abort(), abandon: () => log.complete(false), ended })
  return ended
}
