/**
 * The results of the old functions: a tuple of success and output, with the error texts of the docker command.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { CompatServices } from "./servicesLayer.js"
import { run, warn } from "../runtime.js"
import { causeText, type Failure, failureOf } from "./failureText.js"

/**
 * Whether the call succeeded, and its output. The output of a failed call starts with `Error: `, except that of pulls and of
 * compose, which is what they have printed.
 *
 * @since 0.1.0
 * @category models
 */
export type Outcome = [success: boolean, output: string]

/**
 * Whether the call succeeded, and the requested object: `{}` if it failed.
 *
 * @since 0.1.0
 * @category models
 */
export type ObjectOutcome = [success: boolean, value: Record<string, unknown>]

/** Runs an effect that returns the output. `last` is what the docker command prints at the end of every failure. */
export const outcome = async (
  effect: Effect.Effect<string, Failure, CompatServices>,
  last: () => string = () => ""
): Promise<Outcome> =>
  Exit.match(await run(effect), {
    onSuccess: (text): Outcome => [true, text],
    onFailure: (cause) => [false, `Error: ${causeText(cause)}\n${last()}`]
  })

/** What there is none of is no reason for a warning. */
const missing = new Set<string>(["ContainerNotFound", "ImageNotFound", "NetworkNotFound", "VolumeNotFound"])

/** Runs an effect that returns an object. Any failure other than "not found" is also a warning. */
export const objectOutcome = async <A extends object>(
  effect: Effect.Effect<A, Failure, CompatServices>
): Promise<[success: true, value: A] | [success: false, value: Record<string, never>]> =>
  Exit.match(await run(effect), {
    onSuccess: (value): [true, A] | [false, Record<string, never>] => [true, value],
    onFailure: (cause) => {
      if (!missing.has(failureOf(cause)?._tag ?? "")) warn(causeText(cause))
      return [false, {}]
    }
  })

/** Runs an effect whose failure has no place in the result: it is a warning, and the result is `otherwise`. */
export const valueOr = async <A, B>(effect: Effect.Effect<A, Failure, CompatServices>, otherwise: B): Promise<A | B> =>
  Exit.match(await run(effect), {
    onSuccess: (value): A | B => value,
    onFailure: (cause) => {
      warn(causeText(cause))
      return otherwise
    }
  })

/** Runs an effect that returns a list. A failure is a warning, and the list is empty. */
export const listOutcome = <A>(effect: Effect.Effect<ReadonlyArray<A>, Failure, CompatServices>): Promise<Array<A>> =>
  valueOr(
    Effect.map(effect, (items) => [...items]),
    []
  )
