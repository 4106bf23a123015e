import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { inspect } from "node:util"
import { type CompatServices, servicesLayer } from "../run/servicesLayer.js"
import { type CompatOptions, type CompatSetupError, DOCKER_COMPOSE_DIR, warnBy } from "../runtime.js"
import type { Running } from "./iteration.js"

/** An aborted signal or a disposed connection, but no failure. */
const abortError = (message: string): DOMException => new DOMException(message, "AbortError")

/** Failures of core are errors. What is wrong with a configuration value is not. */
const asError = (failure: unknown): unknown =>
  failure instanceof Error || typeof failure !== "object" ? failure : new Error(inspect(failure), { cause: failure })

/** The services of one `connect`, and what is running on them. */
export class Session {
  private runtime: ManagedRuntime.ManagedRuntime<CompatServices, CompatSetupError> | undefined
  private readonly closers = new Set<() => Promise<void>>()
  private disposal: Promise<void> | undefined

  constructor(private readonly options: CompatOptions) {}

  /** Built by the first call. A later call tries again if that failed. */
  private readonly services = Effect.suspend(() => {
    const { composeDir = DOCKER_COMPOSE_DIR, warn: receiver, ...options } = this.options
    const warn = (message: string): void => warnBy(receiver, message)
    const runtime = (this.runtime ??= ManagedRuntime.make(
      servicesLayer({ ...options, composeDir, warn, onBrokenConfiguration: () => {} })
    ))
    return Effect.tapErrorCause(runtime.runtimeEffect, () =>
      Effect.sync(() => {
        if (this.runtime === runtime) this.runtime = undefined
      })
    )
  })

  /** What a promise rejects with: a failure is the very error of core. */
  private errorOf(cause: Cause.Cause<unknown>, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted === true && Cause.isInterrupted(cause)) return signal.reason
    if (!Cause.isInterruptedOnly(cause)) return asError(Cause.originalError(Cause.squash(cause)))
    return abortError(this.disposal === undefined ? "The operation was cancelled" : "The connection was disposed")
  }

  /** Calls `close` on `dispose`, unless it is called before. */
  onDispose(close: () => Promise<void>): () => Promise<void> {
    let closing: Promise<void> | undefined
    const once = (): Promise<void> => (closing ??= close().finally(() => this.closers.delete(once)))
    this.closers.add(once)
    return once
  }

  /** Runs an effect until the signal or `dispose` interrupts it. */
  readonly start = <A>(effect: Effect.Effect<A, unknown, CompatServices>, signal?: AbortSignal): Running<A> => {
    if (signal?.aborted === true) {
      const error: unknown = signal.reason
      return failed(error)
    }
    if (this.disposal !== undefined)
      return failed(new Error("This connection has been disposed of: call connect() again"))
    const provided = Effect.flatMap(this.services, (services) => Effect.provide(effect, services))
    return this.watch(Effect.runFork(provided), signal)
  }

  /**
   * Runs an effect that needs no service and ends by itself, such as reading the events of an operation: `dispose` and the
   * signal only explain its interruption.
   */
  readonly startDetached = <A>(effect: Effect.Effect<A, unknown>, signal?: AbortSignal): Running<A> => {
    const fiber = Effect.runFork(effect)
    return {
      result: this.resultOf(fiber, signal, () => {}),
      interrupt: () => Effect.runPromise(Effect.asVoid(Fiber.interrupt(fiber)))
    }
  }

  private watch<A>(fiber: Fiber.RuntimeFiber<A, unknown>, signal: AbortSignal | undefined): Running<A> {
    const interrupt = this.onDispose(() => Effect.runPromise(Effect.asVoid(Fiber.interrupt(fiber))))
    const onAbort = (): void => void interrupt()
    signal?.addEventListener("abort", onAbort, { once: true })
    const result = this.resultOf(fiber, signal, () => {
      signal?.removeEventListener("abort", onAbort)
      this.closers.delete(interrupt)
    })
    return { result, interrupt }
  }

  private resultOf<A>(
    fiber: Fiber.RuntimeFiber<A, unknown>,
    signal: AbortSignal | undefined,
    onEnd: () => void
  ): Promise<A> {
    return new Promise<A>((resolve, reject) => {
      fiber.addObserver((exit) => {
        onEnd()
        if (Exit.isSuccess(exit)) resolve(exit.value)
        else reject(this.errorOf(exit.cause, signal))
      })
    })
  }

  /** Ends what is running, operations first, and closes the connections. */
  dispose(): Promise<void> {
    this.disposal ??= Promise.allSettled(Array.from(this.closers, (close) => close())).then(() =>
      this.runtime?.dispose()
    )
    return this.disposal
  }
}

const failed = (error: unknown): Running<never> => ({
  result: Promise.reject(error),
  interrupt: () => Promise.resolve()
})
