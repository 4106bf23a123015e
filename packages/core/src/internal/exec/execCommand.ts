import * as Effect from "effect/Effect"
import { split } from "shlex"
import { ExecFailed } from "../../DockerError.js"

/**
 * A command as an argument vector, or as text that is split into arguments by the rules of a POSIX shell. No shell runs
 * it, so variables and redirections are not interpreted.
 *
 * @since 0.1.0
 * @category models
 */
export type ExecCommand = ReadonlyArray<string> | string

/** Splits a command into its arguments. */
export const parseCommand = (
  containerId: string,
  command: ExecCommand
): Effect.Effect<ReadonlyArray<string>, ExecFailed> => {
  const failure = (detail: string) =>
    new ExecFailed({
      containerId,
      command: typeof command === "string" ? [command] : command,
      detail: `request not sent: ${detail}`
    })
  const args =
    typeof command === "string"
      ? Effect.try({
          try: () => split(command),
          catch: (error) => failure(error instanceof Error ? error.message : String(error))
        })
      : Effect.succeed(command)
  return Effect.filterOrFail(
    args,
    ([program = ""]) => program !== "",
    () => failure("the command is empty")
  )
}
