/**
 * How outcomes looked to the old callers: a tuple of success and text, with the texts of the docker command.
 */
import * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { DockerError } from "@dockwire/core/DockerError"
import { type CompatServices, type CompatSetupError, run, warn } from "./runtime.js"

/** Whether it worked, and the output; where it didn't, a text that begins with `Error: `. */
export type Outcome = [success: boolean, output: string]

/** Whether it worked, and what was asked for; where it didn't, `{}`. */
export type ObjectOutcome = [success: boolean, value: Record<string, unknown>]

type Failure = DockerError | CompatSetupError

const daemonText = (message: string) => `Error response from daemon: ${message}`

const failureText = (error: Failure): string => {
  switch (error._tag) {
    case "ContainerNotFound":
      // What can't be an id or a name was refused before the engine could say this.
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

const causeText = (cause: Cause.Cause<Failure>): string =>
  Option.match(Cause.failureOption(cause), {
    onSome: failureText,
    // Only an argument of a type that was never allowed leads here.
    onNone: () => String(Cause.squash(cause))
  })

/** Runs an effect; its value becomes the output. */
export const outcome = async <A>(
  effect: Effect.Effect<A, DockerError, CompatServices>,
  output: (value: A) => string
): Promise<Outcome> =>
  Exit.match(await run(effect), {
    onSuccess: (value): Outcome => [true, output(value)],
    onFailure: (cause) => [false, `Error: ${causeText(cause)}\n`]
  })

/** Runs an effect that gives an object of the engine's. What went wrong other than that it isn't there is a warning. */
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

/** Runs an effect that gives a list. What went wrong is a warning, and the list is empty. */
export const listOutcome = async <A, B>(
  effect: Effect.Effect<ReadonlyArray<A>, DockerError, CompatServices>,
  row: (item: A) => B
): Promise<Array<B>> =>
  Exit.match(await run(effect), {
    onSuccess: (items) => items.map(row),
    onFailure: (cause) => {
      warn(causeText(cause))
      return []
    }
  })
