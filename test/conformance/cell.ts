import { Effect, Schedule, type Scope } from "effect"
import { expect } from "vitest"
import type { Bench, Services } from "./bench.js"

/** A test that holds for both engines, or why there is none. */
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

/** The effect fails with an error of this tag and these fields. */
export const failsWith = <A, E, R>(
  attempt: Effect.Effect<A, E, R>,
  tag: string,
  fields: Readonly<Record<string, unknown>> = {}
): Effect.Effect<void, unknown, R> =>
  Effect.map(Effect.either(attempt), (outcome) => {
    expect(outcome).toMatchObject({ _tag: "Left", left: { _tag: tag, ...fields } })
  })

/** Nothing of it answers any more. */
export const unavailable = <A, E, R>(attempt: Effect.Effect<A, E, R>): Effect.Effect<void, unknown, R> =>
  failsWith(attempt, "EngineUnavailable", { reason: "NotFound" })

/** The engine prunes for one at a time, and refuses whoever comes meanwhile. */
export const inTurn = <A, E extends { readonly message: string }, R>(
  prune: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.retry(prune, {
    while: ({ message }) => message.includes("a prune operation is already running"),
    schedule: Schedule.spaced("20 millis")
  })
