/**
 * Operations that run in this server.
 *
 * @since 0.1.0
 */
import { type LogEvent, isOperationEnded } from "@dockwire/core/LogEvent"
import { LogSink, type LogSinkShape } from "@dockwire/core/LogSink"
import { Operation, type Run } from "@dockwire/core/Operation"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import { IdempotencyKeyReused, OperationConflict, OperationNotFound } from "../OperationError.js"
import type { OperationDetails, OperationFilter, OperationLogLine, OperationPage } from "../OperationSummary.js"
import { operationRoom } from "../Wire.js"
import { defaultIdempotencyLimits, IdempotencyKeys, type IdempotencyLimits, keyOf } from "./IdempotencyKeys.js"
import type { OperationRequest } from "./OperationRequest.js"
import { endLeftPrograms } from "./endLeftPrograms.js"
import { counted } from "./operationMetrics.js"
import { OperationStore, type OperationStoreShape, type UnfinishedRun } from "./OperationStore.js"
import { defaultTurnLimits, type TurnLimits, Turns, waitLine } from "./Turns.js"

/**
 * Where an operation that was started can be watched.
 *
 * @since 0.1.0
 * @category models
 */
export interface StartedOperation {
  readonly logId: string
  readonly room: string
}

/**
 * The service behind `Operations`.
 *
 * @since 0.1.0
 * @category models
 */
export interface OperationsShape {
  /** Starts an operation in the scope of the server, and returns at once. */
  readonly start: (
    request: OperationRequest
  ) => Effect.Effect<StartedOperation, OperationConflict | IdempotencyKeyReused>
  /** Fails if an operation works on one of these targets. */
  readonly requireIdle: (targets: ReadonlyArray<string>) => Effect.Effect<void, OperationConflict>
  /** Interrupts an operation. Completes when it has ended; at once if it had. */
  readonly cancel: (logId: string) => Effect.Effect<void, OperationNotFound>
  /** The operations that are kept, the newest first. */
  readonly list: (filter?: OperationFilter) => Effect.Effect<OperationPage>
  readonly get: (logId: string) => Effect.Effect<OperationDetails, OperationNotFound>
  /** The lines of an operation after the event with this number, up to the last one so far, in batches. */
  readonly lines: (logId: string, after?: number) => Stream.Stream<ReadonlyArray<OperationLogLine>, OperationNotFound>
}

/**
 * Options of `Operations.layerWith`.
 *
 * @since 0.1.0
 * @category models
 */
export interface OperationsOptions {
  /** How many operations of each kind run at once. `default` is for kinds that are not named. Default: 4, builds 2. */
  readonly atOnce: TurnLimits
  /** How many `Idempotency-Key`s are remembered, and for how long. Default: 10,000 for a day. */
  readonly idempotency: IdempotencyLimits
}

interface Active {
  readonly logId: string
  readonly kind: string
  readonly targets: ReadonlyArray<string>
  run: Run<unknown, unknown> | undefined
}

const withTurn = (
  { kind, ...operation }: OperationRequest["operation"],
  logId: string,
  turns: Turns,
  store: OperationStoreShape
): OperationRequest["operation"] => ({
  ...operation,
  kind,
  steps: Stream.unwrapScoped(
    Effect.map(turns.take(kind), ({ ready, wait }) => {
      if (wait === undefined) return operation.steps
      const waiting = Effect.acquireUseRelease(
        Effect.sync(() => store.setWaiting(logId, true)),
        () => ready,
        () => Effect.sync(() => store.setWaiting(logId, false))
      )
      return Stream.concat(
        Stream.succeed(Operation.line(waitLine(kind, wait))),
        Stream.unwrap(Effect.as(waiting, operation.steps))
      )
    })
  )
})

/** The operations that have not ended, by id and by target. */
class ActiveOperations {
  readonly byId = new Map<string, Active>()
  private readonly byTarget = new Map<string, Active>()

  conflict(targets: ReadonlyArray<string>): OperationConflict | undefined {
    for (const target of targets) {
      const active = this.byTarget.get(target)
      if (active === undefined) continue
      const { kind, logId } = active
      return new OperationConflict({ target, log_id: logId, room: operationRoom(logId), operation_type: kind })
    }
    return undefined
  }

  add(active: Active): void {
    this.byId.set(active.logId, active)
    for (const target of active.targets) this.byTarget.set(target, active)
  }

  /** Lets others have the targets. Who sees the last event of an operation can start the next one at once. */
  release(logId: string): void {
    const active = this.byId.get(logId)
    for (const target of active?.targets ?? []) {
      if (this.byTarget.get(target) === active) this.byTarget.delete(target)
    }
  }

  remove(logId: string): void {
    this.release(logId)
    this.byId.delete(logId)
  }
}

const releasing = (sink: LogSinkShape, active: ActiveOperations): LogSinkShape => ({
  offer: (events: ReadonlyArray<LogEvent>) => {
    for (const event of events) if (isOperationEnded(event)) active.release(event.logId)
    sink.offer(events)
  },
  flush: sink.flush
})

/** Ends a run that an earlier server has left unfinished, and what it has left running on this machine. */
const endUnfinished = ({ kind, logId, nextSeq, target }: UnfinishedRun, sink: LogSinkShape): Effect.Effect<void> =>
  Effect.map(endLeftPrograms(logId), (ended) => {
    const programs = ended === 1 ? "One program" : `${ended} programs`
    const left = ended === 0 ? "" : ` ${programs} that it had left running on this machine was ended.`
    sink.offer([
      {
        _tag: "OperationInterrupted",
        logId,
        kind,
        target,
        seq: nextSeq,
        timestamp: new Date().toISOString(),
        detail: `The server ended while this was running.${ended > 1 ? left.replace(" was ", " were ") : left}`
      }
    ])
  })

const make = (options: OperationsOptions) =>
  Effect.gen(function* () {
    const store = yield* OperationStore
    const active = new ActiveOperations()
    const sink = releasing(yield* LogSink, active)
    // On shutdown, all of them are interrupted at the same time.
    const scope = yield* Scope.fork(yield* Effect.scope, ExecutionStrategy.parallel)
    const turns = new Turns(options.atOnce)
    const keys = new IdempotencyKeys(options.idempotency)
    const remembering = yield* Effect.forkIn(
      Effect.map(store.keysSince(Date.now() - options.idempotency.age), (known) => {
        for (const key of known) keys.remember(key)
      }),
      scope
    )
    // Its first programs may still work on the targets of a run, so that no other one may begin.
    yield* Effect.forkIn(
      Stream.runForEach(store.unfinished, (run) =>
        Effect.forkIn(
          Effect.acquireUseRelease(
            Effect.sync(() => active.add({ ...run, run: undefined })),
            () => endUnfinished(run, sink),
            () => Effect.sync(() => active.remove(run.logId))
          ),
          scope
        )
      ),
      scope
    )

    /** Finds what the request repeats or conflicts with, else takes its targets and its key. */
    const reserve = (request: OperationRequest) =>
      Effect.suspend(
        (): Effect.Effect<
          { readonly logId: string; readonly added?: Active },
          OperationConflict | IdempotencyKeyReused
        > => {
          const now = Date.now()
          const key = keyOf(request)
          const known = key === undefined ? undefined : keys.find(key.key, now)
          if (known !== undefined) {
            return known.request === key?.request
              ? Effect.succeed({ logId: known.logId })
              : Effect.fail(new IdempotencyKeyReused({ key: request.idempotencyKey ?? "", log_id: known.logId }))
          }
          const conflict = active.conflict(request.targets)
          if (conflict !== undefined) return Effect.fail(conflict)
          const logId = randomUUID()
          const added: Active = { logId, kind: request.operation.kind, targets: request.targets, run: undefined }
          active.add(added)
          if (key !== undefined) keys.remember({ ...key, logId, at: now })
          return Effect.succeed({ logId, added })
        }
      )

    const start: OperationsShape["start"] = Effect.fn("Operations.start")(function* (request) {
      // What an earlier server has left is known before anything begins.
      yield* Fiber.join(remembering)
      const release = request.release ?? Effect.void
      const { added, logId } = yield* Effect.tapError(reserve(request), () => release)
      if (added === undefined) yield* release
      else {
        const { operation, startedBy, targets } = request
        const key = keyOf(request)
        store.originate({
          logId,
          targets,
          ...(startedBy === undefined ? {} : { startedBy }),
          ...(key === undefined ? {} : { key })
        })
        const run = yield* Operation.start(withTurn(operation, logId, turns, store), { id: logId }).pipe(
          Effect.provideService(LogSink, sink),
          Effect.provideService(Scope.Scope, scope)
        )
        added.run = run
        yield* counted(request.operation.kind, Effect.exit(run.result)).pipe(
          Effect.ensuring(Effect.sync(() => active.remove(logId))),
          Effect.ensuring(release),
          Effect.forkIn(scope)
        )
      }
      return { logId, room: operationRoom(logId) }
    }, Effect.uninterruptible)

    const get: OperationsShape["get"] = Effect.fn("Operations.get")(function* (logId) {
      return yield* Effect.flatMap(
        store.get(logId),
        Option.match({
          onNone: () => Effect.fail(new OperationNotFound({ log_id: logId })),
          onSome: Effect.succeed
        })
      )
    })

    return {
      start,
      requireIdle: (targets) => Effect.suspend(() => active.conflict(targets) ?? Effect.void),
      cancel: Effect.fn("Operations.cancel")(function* (logId) {
        const run = active.byId.get(logId)?.run
        yield* run === undefined ? Effect.asVoid(get(logId)) : run.cancel
      }),
      list: (filter = {}) => store.list(filter),
      get,
      lines: (logId, after = 0) => Stream.unwrap(Effect.as(get(logId), store.lines(logId, after)))
    } satisfies OperationsShape
  })

/**
 * Runs operations in the scope of the server: who started one may leave. Their events go to `LogSink`. At most so many of a
 * kind run at once, and no two on one target.
 *
 * @since 0.1.0
 * @category tags
 */
export class Operations extends Context.Tag("@dockwire/server/Operations")<Operations, OperationsShape>() {
  /** With other limits than the default ones. */
  static readonly layerWith = (
    options: Partial<OperationsOptions>
  ): Layer.Layer<Operations, never, LogSink | OperationStore> =>
    Layer.scoped(Operations, make({ atOnce: defaultTurnLimits, idempotency: defaultIdempotencyLimits, ...options }))

  /** With the default limits. */
  static readonly layer: Layer.Layer<Operations, never, LogSink | OperationStore> = Operations.layerWith({})
}
