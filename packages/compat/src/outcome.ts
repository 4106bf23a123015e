/**
 * The results of the old functions: a tuple of success and output, with the error texts of the docker command.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { DockerError } from "@dockwire/core/DockerError"
import { type CompatServices, type CompatSetupError, run, warn } from "./runtime.js"

/**
 * Whether the call succeeded, and its output. The output of a failed call starts with `Error: `.
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

type Failure = DockerError | CompatSetupError

const daemonText = (message: string) => `Error response from daemon: ${message}`

const failureText = (error: Failure): string => {
  switch (error._tag) {
    case "ContainerNotFound":
      // Core rejects an invalid id or name itself, so the engine's message may be missing.
      return daemonText(
        /no such container/i.test(error.detail) ? error.detail : `No such container: ${error.containerId}`
      )
    case "InvalidRequest":
    case "EngineUnavailable":
      return error.message
    case "ConfigError":
      return Cause.pretty(Cause.fail(error))
    default:
      return daemonText(error.detail)
  }
}

const defectText = (defect: unknown): string => {
  try {
    return String(defect)
  } catch {
    return "an unknown error"
  }
}

const causeText = (cause: Cause.Cause<Failure>): string =>
  Option.match(Cause.failureOption(cause), {
    onSome: failureText,
    // A defect: an argument of the wrong type, from a caller without type checking.
    onNone: () => defectText(Cause.squash(cause))
  })

/** Runs an effect and converts its value to the output. */
export const outcome = async <A>(
  effect: Effect.Effect<A, DockerError, CompatServices>,
  output: (value: A) => string
): Promise<Outcome> =>
  Exit.match(await run(Effect.map(effect, output)), {
    onSuccess: (text): Outcome => [true, text],
    onFailure: (cause) => [false, `Error: ${causeText(cause)}\n`]
  })

/** Runs an effect that returns an engine object. Any failure other than "not found" is also a warning. */
export const objectOutcome = async (
  effect: Effect.Effect<Readonly<Record<string, unknown>>, DockerError, CompatServices>
): Promise<ObjectOutcome> =>
  Exit.match(await run(effect), {
    onSuccess: (value): ObjectOutcome => [true, { ...value }],
    onFailure: (cause) => {
      const missing = Option.exists(Cause.failureOption(cause), (error) => error._tag === "ContainerNotFound")
      if (!missing) warn(causeText(cause))
      return [false, {}]
    }
  })

/** Runs an effect that returns a list. A failure is a warning, and the list is empty. */
export const listOutcome = async <A, B>(
  effect: Effect.Effect<ReadonlyArray<A>, DockerError, CompatServices>,
  row: (item: A) => B
): Promise<Array<B>> =>
  Exit.match(await run(Effect.map(effect, (items) => items.map(row))), {
    onSuccess: (rows) => rows,
    onFailure: (cause) => {
      warn(causeText(cause))
      return []
    }
  })
