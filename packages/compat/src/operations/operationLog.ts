import * as Effect from "effect/Effect"
import { warn } from "../runtime.js"
import { InvalidArgument } from "../run/arguments.js"
import { defectText } from "../run/defectText.js"

/**
 * Receives the lines of an operation while it runs, and whether it succeeded. A `DockerLogger` is one.
 *
 * @since 0.1.0
 * @category models
 */
export interface OperationLog {
  /** Receives each line, in order. */
  add_log_line(line: string): unknown
  /** Called exactly once, at the end. */
  complete(success: boolean): unknown
}

/** Whether a value serves as an operation log: anything with the two methods. */
export const isOperationLog = (value: unknown): value is OperationLog => {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false
  try {
    return (
      typeof Reflect.get(value, "add_log_line") === "function" && typeof Reflect.get(value, "complete") === "function"
    )
  } catch {
    return false
  }
}

/** The argument `operation_log`. */
export const logArgument = (value: unknown): Effect.Effect<OperationLog | undefined, InvalidArgument> =>
  value === undefined || value === null
    ? Effect.succeed(undefined)
    : isOperationLog(value)
      ? Effect.succeed(value)
      : Effect.fail(
          new InvalidArgument({
            name: "operation_log",
            value,
            detail: "it must have the methods add_log_line and complete"
          })
        )

/** How long the promise of a method may take before it is reported. */
const patience = 5_000

/** An operation log that does no harm, whatever its methods do. */
export class GuardedLog {
  readonly #log: OperationLog | undefined
  readonly #reported = new Set<string>()
  #isComplete = false

  constructor(log: OperationLog | undefined) {
    this.#log = log
  }

  readonly line = (text: string): void => this.#call("add_log_line", (log) => log.add_log_line(text))

  /** Completes the log, unless it is complete already. */
  readonly complete = (success: boolean): void => {
    if (this.#isComplete) return
    this.#isComplete = true
    this.#call("complete", (log) => log.complete(success))
  }

  #call(method: string, call: (log: OperationLog) => unknown): void {
    if (this.#log === undefined) return
    try {
      const result = call(this.#log)
      if (isThenable(result)) this.#watch(method, Promise.resolve(result))
    } catch (error) {
      this.#report(method, `threw: ${defectText(error)}`)
    }
  }

  /** The operation does not wait for what a method does in the background. */
  #watch(method: string, promise: Promise<unknown>): void {
    const timer = setTimeout(() => this.#report(method, `has not settled within ${patience / 1000} seconds`), patience)
    timer.unref()
    promise.then(
      () => clearTimeout(timer),
      (error: unknown) => {
        clearTimeout(timer)
        this.#report(method, `rejected: ${defectText(error)}`)
      }
    )
  }

  /** Once for each method: a log that is broken is broken for every line. */
  #report(method: string, what: string): void {
    if (this.#reported.has(method)) return
    this.#reported.add(method)
    warn(`The method ${method} of an operation_log ${what}. The operation goes on.`)
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" && value !== null && "then" in value && typeof value.then === "function"
