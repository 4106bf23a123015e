import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import type { OperationEvent } from "@dockwire/core/LogEvent"
import type { Operation } from "@dockwire/core/Operation"
import type { CompatServices } from "../run/servicesLayer.js"
import { iterable } from "./iteration.js"
import { coreArgument, isEffect, isOperation, isRecord, isStream, type Requirements } from "./kinds.js"
import { mayPull, withImages } from "./pullServices.js"
import type { RunningOperation } from "./promised.js"
import type { Session } from "./session.js"

/** What a method has returned, in promise style. */
interface Answer {
  readonly value: unknown
  readonly stream?: Stream.Stream<unknown, unknown, CompatServices>
  readonly operation?: RunningOperation<unknown>
  /** The events of the operation. */
  readonly events?: Stream.Stream<OperationEvent>
}

const ignore = (): void => {}

/** The calls of one connection, interrupted by one signal. */
export class Caller {
  constructor(
    private readonly session: Session,
    private readonly signal: AbortSignal | undefined
  ) {}

  private readonly start = <A>(effect: Effect.Effect<A, unknown, CompatServices>) =>
    this.session.start(effect, this.signal)

  private readonly startDetached = <A>(effect: Effect.Effect<A, unknown>) =>
    this.session.startDetached(effect, this.signal)

  /**
   * Calls a method of a service that may have to be loaded first. Only then it shows whether the method returns an effect, a
   * stream or an operation, so that what this returns can be used as each of them: it is a promise, and an async iterable, and
   * has the members of a running operation. Its type shows only what the method returns.
   */
  readonly call = (
    service: Effect.Effect<object, unknown, CompatServices>,
    name: string,
    given: ReadonlyArray<unknown>
  ): object => {
    const id = randomUUID()
    let isOfEffect = false
    const answer = this.start(
      Effect.flatMap(service, (methods) => {
        const method: unknown = Reflect.get(methods, name)
        if (typeof method !== "function") return Effect.die(new TypeError(`There is no method "${name}"`))
        const args = given.map(coreArgument)
        const returned: unknown = Reflect.apply(method, methods, args)
        isOfEffect = isEffect(returned)
        return this.answer(args.some(mayPull) ? withImages(returned) : returned, id)
      })
    ).result
    const value: Promise<unknown> = answer.then(
      (found) => found.value,
      (error: unknown) => {
        // Only an effect fails by itself. A stream or an operation tells who asks it, which may be later.
        if (!isOfEffect) value.catch(ignore)
        throw error
      }
    )
    const part = <A>(of: (found: Answer) => A | undefined): Promise<A> =>
      answer.then((found) => {
        const taken = of(found)
        if (taken === undefined) throw new TypeError(`"${name}" returns something else`)
        return taken
      })
    const elements = Stream.unwrap(Effect.promise(() => part(({ stream }) => stream)))
    const events = Stream.unwrap(
      Effect.promise(() =>
        part(({ events, operation }) => {
          operation?.result.catch(ignore)
          return events
        })
      )
    )
    let result: Promise<unknown> | undefined
    return Object.defineProperties(value, {
      [Symbol.asyncIterator]: { value: iterable(elements, this.start)[Symbol.asyncIterator] },
      id: { value: id },
      events: { value: iterable(events, this.startDetached) },
      result: { get: () => (result ??= part(({ operation }) => operation).then((running) => running.result)) },
      cancel: { value: () => part(({ operation }) => operation).then((running) => running.cancel()) }
    })
  }

  private answer(returned: unknown, id: string): Effect.Effect<Answer, unknown, CompatServices> {
    if (isEffect(returned)) return Effect.map(this.scoped(returned), (value) => ({ value }))
    if (isStream(returned)) return Effect.succeed({ value: iterable(returned, this.start), stream: returned })
    if (isOperation(returned)) return this.operation(returned, id)
    return Effect.succeed({ value: returned })
  }

  /** Runs an effect in a scope. If it has left something in it, that is what the value closes. */
  private readonly scoped = (
    effect: Effect.Effect<unknown, unknown, Requirements>
  ): Effect.Effect<unknown, unknown, CompatServices> =>
    Effect.flatMap(Scope.make(), (scope) => {
      let isUsed = false
      const watched = new Proxy(scope, {
        get: (target, key) => {
          if (key === "addFinalizer" || key === "fork") isUsed = true
          const member: unknown = Reflect.get(target, key)
          return member
        }
      })
      return Effect.provideService(effect, Scope.Scope, watched).pipe(
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))),
        Effect.map((value) => {
          const own = this.live(value)
          if (!isUsed || !isRecord(own)) return own
          const close = this.session.onDispose(() => Effect.runPromise(Scope.close(scope, Exit.void)))
          return { ...own, close, [Symbol.asyncDispose]: close }
        })
      )
    })

  /** A value with its effects and streams in promise style. An effect in a field becomes a function. */
  private readonly live = (value: unknown): unknown => {
    if (!isRecord(value)) return value
    const members = Object.entries(value)
    if (!members.some(([, member]) => typeof member === "function" || isEffect(member) || isStream(member)))
      return value
    return Object.fromEntries(members.map(([name, member]) => [name, this.member(value, member)]))
  }

  private member(owner: object, member: unknown): unknown {
    if (isEffect(member)) return () => this.start(this.scoped(member)).result
    if (isStream(member)) return iterable(member, this.start)
    if (typeof member !== "function") return member
    return (...args: ReadonlyArray<unknown>): unknown => {
      const returned: unknown = Reflect.apply(member, owner, args.map(coreArgument))
      return isEffect(returned) ? this.start(this.scoped(returned)).result : this.member(owner, returned)
    }
  }

  /** Starts an operation, which the signal and `dispose` cancel. */
  private readonly operation = (
    operation: Operation<unknown, unknown, CompatServices>,
    id: string
  ): Effect.Effect<Answer, never, CompatServices> => {
    const { session, signal, startDetached } = this
    return Effect.gen(function* () {
      const { Operation } = yield* Effect.promise(() => import("@dockwire/core/Operation"))
      const scope = yield* Scope.make()
      const run = yield* Effect.provideService(Operation.start(operation, { id }), Scope.Scope, scope)
      const cancel = session.onDispose(() => Effect.runPromise(Scope.close(scope, Exit.void)))
      const onAbort = (): void => void cancel()
      signal?.addEventListener("abort", onAbort, { once: true })
      const { result } = startDetached(
        Effect.ensuring(
          run.result,
          Effect.sync(() => {
            signal?.removeEventListener("abort", onAbort)
            void cancel()
          })
        )
      )
      const events = iterable(run.events, startDetached)
      const running: RunningOperation<unknown> = {
        id,
        get events() {
          // The last event tells of a failure.
          result.catch(ignore)
          return events
        },
        result,
        cancel: () => {
          result.catch(ignore)
          return cancel()
        }
      }
      return { value: running, operation: running, events: run.events }
    }).pipe(Effect.uninterruptible)
  }
}
