import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { DockerRequest } from "../../Docker.js"
import {
  ContainerNotFound,
  ContainerStateConflict,
  EngineError,
  InvalidRequest,
  PruneInProgress
} from "../../DockerError.js"
import { schemaCheck } from "./schemaCheck.js"

/**
 * Decodes what the engine answered; an answer of another shape is an `EngineError`. What comes out may hold more than the
 * schema names.
 */
export const decodeAnswer = <A, I>(schema: Schema.Schema<A, I>) => {
  const check = schemaCheck(schema)
  const decode = Schema.decodeUnknown(schema)
  return (request: DockerRequest, status: number, body: unknown): Effect.Effect<A, EngineError> => {
    if (check !== undefined && check(body)) return Effect.succeed(body)
    // What is wrong is told in words by who takes longer.
    return Effect.mapError(
      decode(body),
      (error) =>
        new EngineError({
          request: `${request.method} ${request.path}`,
          status,
          detail: `an answer that is not understood: ${ParseResult.TreeFormatter.formatErrorSync(error)}`
        })
    )
  }
}

const idOrName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/

/** The path of a container; what the engine's own pattern refuses names no container, and is not sent. */
export const containerPath = (id: string, rest: string): Effect.Effect<string, ContainerNotFound> =>
  idOrName.test(id)
    ? Effect.succeed(`/containers/${id}${rest}`)
    : Effect.fail(
        new ContainerNotFound({
          containerId: id,
          detail:
            "nothing was asked, as ids and names hold only letters, digits, '_', '.' and '-', the first a letter or digit"
        })
      )

/**
 * Whether these words mean the container, and not the route. Podman has no words for it where it would give figures, and
 * where it looks for changes it knows only of layers.
 */
const isContainerMissing = ({ detail, status }: EngineError): boolean =>
  status === 404
    ? detail === "" || /no such container|no container with/i.test(detail)
    : status === 500 && /layer not known$|does not exist in database/.test(detail)

/** The rule that every method on one container shares. */
export const containerNotFound = (id: string, error: EngineError): ContainerNotFound | undefined =>
  isContainerMissing(error)
    ? new ContainerNotFound({ containerId: id, detail: error.detail === "" ? "nothing but a 404" : error.detail })
    : undefined

/** Turns the engine's refusals into the method's own errors; what no rule knows stays an `EngineError`. */
export const refine =
  <E>(rule: (error: EngineError) => E | undefined) =>
  <A, E2, R>(
    effect: Effect.Effect<A, E2 | EngineError, R>
  ): Effect.Effect<A, Exclude<E2, EngineError> | E | EngineError, R> =>
    Effect.catchIf(
      effect,
      (error): error is EngineError & (E2 | EngineError) => error instanceof EngineError,
      (error) => Effect.fail(rule(error) ?? error)
    )

/** Where the engine sends `null` or nothing at all for what is not there. */
export const nullable = <A, I, R>(schema: Schema.Schema<A, I, R>) => Schema.optional(Schema.NullOr(schema))

/** String to string, as labels and options are. */
export const StringRecord = Schema.Record({ key: Schema.String, value: Schema.String })

/** The engine's own object, whole: as it came, and not a copy. */
export const rawObject = decodeAnswer(Schema.declare(Predicate.isReadonlyRecord, { identifier: "object" }))

/** The engine's filters as a query has them. */
export const filtersQuery = (filters: Readonly<Record<string, ReadonlyArray<string>>> | undefined) =>
  filters === undefined ? undefined : JSON.stringify(filters)

/** The rule of a list: the engine refused a filter. */
export const invalidFilter = (
  filters: Readonly<Record<string, ReadonlyArray<string>>> | undefined,
  error: EngineError
): InvalidRequest | undefined =>
  (error.status === 400 && /filter/.test(error.detail)) ||
  /invalid (volume )?filter|as time or duration|more than one until filter|one timestamp for until|a valid value for the \S+ filter|unknown container state|while looking up for (publish|expose)/i.test(
    error.detail
  ) ||
  // Of `before` and `since`.
  (error.status === 404 && filters !== undefined && /no such container|no container with/i.test(error.detail))
    ? new InvalidRequest({ field: "filters", value: JSON.stringify(filters ?? {}), detail: error.detail })
    : undefined

/** The rule of a prune: the engine refused a filter, or another prune of this kind is under way. */
export const pruneRefused =
  (kind: PruneInProgress["kind"], filters: Readonly<Record<string, ReadonlyArray<string>>> | undefined) =>
  (error: EngineError): InvalidRequest | PruneInProgress | undefined =>
    error.status === 409 && /prune operation is already running/.test(error.detail)
      ? new PruneInProgress({ kind, detail: error.detail })
      : invalidFilter(filters, error)

/**
 * A name as a part of a path; `undefined` where it can't be one, whatever is done to it: the engine makes paths with `..`,
 * `.` and nothing between slashes shorter, also when they are encoded, and knows no path with the end of a line in it.
 */
export const pathPart = (name: string): string | undefined =>
  /[\p{Surrogate}\n]/u.test(name) || name.split("/").some((part) => part === "" || part === "." || part === "..")
    ? undefined
    : encodeURIComponent(name)

/** A name as the engine wants those of containers and of its own volumes. */
export const checkedName = (field: string, name: string): Effect.Effect<string, InvalidRequest> =>
  /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)
    ? Effect.succeed(name)
    : Effect.fail(
        new InvalidRequest({
          field,
          value: name,
          detail: "give two or more letters, digits, '_', '.' and '-', the first a letter or digit"
        })
      )

/**
 * The end of something scoped: removed, or already gone. Idempotent, bounded in time, and never a failure: what is left
 * behind is said in the log.
 */
export const releaseWith = <E extends { readonly message: string }>(what: string, removal: Effect.Effect<unknown, E>) =>
  removal.pipe(
    Effect.interruptible,
    Effect.timeoutOption("30 seconds"),
    Effect.flatMap(
      Option.match({
        onNone: () => Effect.logWarning(`${what} was not removed within 30 seconds`),
        onSome: () => Effect.void
      })
    ),
    Effect.catchAll((error) => Effect.logWarning(`${what} is left behind: ${error.message}`))
  )

/** An engine that is well makes and removes a thing in less: then nothing is left to be done behind an interrupt. */
const patience = "300 millis"

/**
 * What is made for a scope. The engine can't be told to stop making it, so it is made beside: whoever is interrupted meanwhile
 * is so at once, and what comes of it later is released when it comes. How long that may take is for `make` to bound.
 */
export const madeForScope = <A, E extends { readonly message: string }, R, R2>(
  what: string,
  make: Effect.Effect<A, E, R>,
  release: (made: A) => Effect.Effect<void, never, R2>
): Effect.Effect<A, E, R | R2 | Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const making = yield* Effect.forkDaemon(Effect.interruptible(make))
      const abandoned = Effect.matchEffect(Fiber.join(making), {
        onFailure: (error) =>
          Effect.logDebug(`${what}, which nobody waits for any more, was not made: ${error.message}`),
        onSuccess: release
      })
      const abandon = Effect.flatMap(Effect.forkDaemon(abandoned), (fiber) =>
        Effect.timeoutOption(Effect.interruptible(Fiber.await(fiber)), patience)
      )
      const made = yield* restore(Fiber.join(making)).pipe(Effect.onInterrupt(() => abandon))
      yield* Effect.addFinalizer(() => release(made))
      return made
    })
  )

const podmanStates: Readonly<Record<string, ContainerStateConflict["state"]>> = {
  configured: "stopped",
  created: "stopped",
  exited: "stopped",
  initialized: "stopped",
  paused: "paused",
  removing: "removing",
  running: "running",
  stopped: "stopped"
}

const conflictState = (detail: string): ContainerStateConflict["state"] => {
  if (/is not paused/.test(detail)) return "unpaused"
  // Podman names the state by its own word for it.
  const named = /(?:in state|as it is) (\w+)|^"(\w+)" is not running/.exec(detail)
  const state = podmanStates[named?.[1] ?? named?.[2] ?? ""]
  if (state !== undefined) return state
  if (/is not running/.test(detail)) return "stopped"
  if (/paused/.test(detail)) return "paused"
  if (/is running|stop the container before/i.test(detail)) return "running"
  return /removal of container|marked for removal/.test(detail) ? "removing" : "unknown"
}

/** The rule of the verbs: the container is in a state in which this can't be done. */
export const stateConflict = (id: string, error: EngineError): ContainerStateConflict | undefined =>
  error.status === 409 || (error.status === 500 && /is not paused|container state improper/.test(error.detail))
    ? new ContainerStateConflict({ containerId: id, state: conflictState(error.detail), detail: error.detail })
    : undefined

/** Tries again for some seconds while it fails with this error. */
const again =
  (tag: string) =>
  <A, E extends { readonly _tag: string }, R>(attempt: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.retry(attempt, {
      while: (error) => error._tag === tag,
      schedule: Schedule.spaced("50 millis").pipe(Schedule.upTo("5 seconds"))
    })

/**
 * Tries a removal again where the thing is in use: the engine answers that a container is removed a moment before it lets go
 * of its volumes and networks, where its start was interrupted.
 */
export const untilLetGo = again("ResourceInUse")

/** Waits for another prune of the kind: given up on it, one that has begun would lose what it knows of what it removed. */
export const inTurn = again("PruneInProgress")
