import { Effect, Either, Schedule, type Scope } from "effect"
import { expect } from "vitest"
import type { Bench, Services } from "./bench.js"
import { Expected } from "./differences.js"

/** A test that must pass on all engines, or the reason why there is none. */
export type Cell = string | ((bench: Bench) => Effect.Effect<unknown, unknown, Services | Scope.Scope>)

/** The cases in which each method is tested. */
export const columns = ["success", "missing", "conflict", "bad input", "engine gone", "interrupted"] as const

/** A case in which a method is tested. */
export type Column = (typeof columns)[number]

/** The cells of a method. */
export interface Row {
  /** Whether its cells run programs: on real engines, they are left to `npm run conformance`. */
  readonly isSlow?: boolean
  /** A call that always sends a request to the engine, for `engine gone` and `interrupted`. */
  readonly call: (bench: Bench) => Effect.Effect<unknown, unknown, Services | Scope.Scope>
  readonly success: Cell
  readonly missing: Cell
  readonly conflict: Cell
  readonly "bad input": Cell
  /** Default: `call` must fail with `EngineUnavailable`. */
  readonly "engine gone"?: Cell
  /** Default: an interrupted `call` must end within a second. */
  readonly interrupted?: Cell
}

/** The rows of a service, by method. */
export type Rows = Readonly<Record<string, Row>>

/** Expects the effect to fail with an error that has this tag and these fields. `detail` is in the wording of 26.1. */
export const failsWith = <A, E, R>(
  attempt: Effect.Effect<A, E, R>,
  tag: unknown,
  fields: Readonly<Record<string, unknown>> = {}
): Effect.Effect<void, unknown, R> =>
  Effect.gen(function* () {
    const outcome = yield* Effect.either(attempt)
    const { message } = yield* Expected
    const expected = Object.hasOwn(fields, "detail") ? { ...fields, detail: message(fields["detail"]) } : fields
    const actual = Either.match(outcome, { onLeft: String, onRight: () => "it succeeded" })
    expect(outcome, actual).toMatchObject({ _tag: "Left", left: { _tag: tag, ...expected } })
  })

/**
 * Retries a prune, or a look at everything: the engine allows one prune at a time, and Podman and an engine with its images in
 * containerd fail if something is removed meanwhile.
 */
export const inTurn = <A, E extends { readonly message: string }, R>(
  prune: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.retry(prune, {
    while: ({ message }) =>
      /a prune operation is already running|does not exist in database|snapshot (\S+ does not exist|not found)/.test(
        message
      ),
    schedule: Schedule.spaced("20 millis")
  })
