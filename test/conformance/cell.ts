import { Effect, Either, Schedule, type Scope } from "effect"
import { expect } from "vitest"
import type { Bench, Services } from "./bench.js"
import { Expected } from "./differences.js"

/** A test that holds for all engines, or why there is none. */
export type Cell = string | ((bench: Bench) => Effect.Effect<unknown, unknown, Services | Scope.Scope>)

/** What is tested of a method. */
export const columns = ["success", "missing", "conflict", "bad input", "engine gone", "interrupted"] as const

/** What is tested of a method. */
export type Column = (typeof columns)[number]

/** A method's cells. */
export interface Row {
  /** A use of it that asks the engine, whatever there is on it: for `engine gone` and `interrupted`. */
  readonly call: (bench: Bench) => Effect.Effect<unknown, unknown, Services | Scope.Scope>
  readonly success: Cell
  readonly missing: Cell
  readonly conflict: Cell
  readonly "bad input": Cell
  /** Where the failure of `call` is not all that there is to it. */
  readonly "engine gone"?: Cell
  readonly interrupted?: Cell
}

/** The methods of a service. */
export type Rows = Readonly<Record<string, Row>>

/** The effect fails with an error of this tag and these fields; `detail` is as 26.1 says it. */
export const failsWith = <A, E, R>(
  attempt: Effect.Effect<A, E, R>,
  tag: unknown,
  fields: Readonly<Record<string, unknown>> = {}
): Effect.Effect<void, unknown, R> =>
  Effect.gen(function* () {
    const outcome = yield* Effect.either(attempt)
    const { words } = yield* Expected
    const own = Object.hasOwn(fields, "detail") ? { ...fields, detail: words(fields["detail"]) } : fields
    const said = Either.match(outcome, { onLeft: String, onRight: () => "it succeeded" })
    expect(outcome, said).toMatchObject({ _tag: "Left", left: { _tag: tag, ...own } })
  })

/** The engine prunes for one at a time, and refuses whoever comes meanwhile; Podman stumbles over what goes meanwhile. */
export const inTurn = <A, E extends { readonly message: string }, R>(
  prune: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.retry(prune, {
    while: ({ message }) => /a prune operation is already running|does not exist in database/.test(message),
    schedule: Schedule.spaced("20 millis")
  })
