import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { OperationEvent } from "@dockwire/core/LogEvent"
import type { Operation } from "@dockwire/core/Operation"

type AnyEffect = Effect.Effect<unknown, unknown, unknown>
type AnyStream = Stream.Stream<unknown, unknown, unknown>
type AnyFunction = (...args: never) => unknown

/**
 * An operation that is running.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunningOperation<A> {
  /** A UUID, the `logId` of every event. */
  readonly id: string
  /**
   * The events, from the first one, ending with the last one. They can be iterated several times. A reader that is too slow
   * misses lines, visible as gaps in `seq`, but always gets the last event.
   */
  readonly events: AsyncIterable<OperationEvent>
  /**
   * The value. Rejects with the tagged error if the operation fails, and with an `AbortError` if it is cancelled.
   */
  readonly result: Promise<A>
  /** Interrupts the operation. Resolves when its last event has been delivered. */
  readonly cancel: () => Promise<void>
}

/**
 * Something that lives until it is closed, such as by `await using`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Closeable extends AsyncDisposable {
  readonly close: () => Promise<void>
}

/** `true` for what becomes something else in promise style. */
type IsLive<T> = T extends AnyEffect | AnyStream
  ? true
  : T extends (...args: never) => AnyEffect | AnyStream
    ? true
    : never

/** A value that a promise resolves to: with its effects and streams in promise style, and as it is if it has none. */
type PromisedValue<A> = A extends ReadonlyArray<unknown> | Uint8Array
  ? A
  : A extends object
    ? true extends IsLive<A[keyof A]>
      ? { readonly [K in keyof A]: PromisedMember<A[K]> }
      : A
    : A

type PromisedMember<T> = T extends AnyEffect
  ? () => PromisedResult<T>
  : T extends AnyStream
    ? PromisedResult<T>
    : T extends AnyFunction
      ? PromisedMethod<T>
      : T

/** What an effect resolves to. One that takes a scope gives something to close. */
type Resolved<A, R> = unknown extends R
  ? PromisedValue<A>
  : [Scope.Scope] extends [R]
    ? PromisedValue<A> & Closeable
    : PromisedValue<A>

type IsStream<T> = T extends AnyStream ? true : never

/** An argument: an async iterable, such as a readable stream of Node, where core takes a stream. */
type PromisedArgument<T> =
  T extends Stream.Stream<infer A, unknown, unknown>
    ? AsyncIterable<A>
    : T extends object
      ? true extends IsStream<T[keyof T]>
        ? { [K in keyof T]: PromisedArgument<T[K]> }
        : T
      : T

type PromisedArguments<P extends ReadonlyArray<unknown>> = { [I in keyof P]: PromisedArgument<P[I]> }

type PromisedResult<T> =
  T extends Effect.Effect<infer A, unknown, infer R>
    ? Promise<Resolved<A, R>>
    : T extends Stream.Stream<infer A, unknown, unknown>
      ? AsyncIterable<PromisedValue<A>>
      : T extends Operation<infer A, unknown, unknown>
        ? RunningOperation<PromisedValue<A>>
        : never

type PromisedMethod<F> = F extends (...args: infer P) => infer T
  ? (...args: PromisedArguments<P>) => PromisedResult<T>
  : never

/**
 * A service of core in promise style: what returns an effect returns a promise, what returns a stream returns an async
 * iterable, and what returns an operation returns a `RunningOperation`.
 *
 * @since 0.1.0
 * @category models
 */
export type Promised<S> = {
  readonly [K in keyof S as S[K] extends AnyFunction ? K : never]: PromisedMethod<S[K]>
}
