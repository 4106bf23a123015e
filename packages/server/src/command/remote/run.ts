/** Runs a command that asks a running server. Loads only the code of that command. */
import { CommandFailure, ExitCode } from "./CommandFailure.js"
import type { RemoteCommandName } from "./commands.js"
import { endWithOutput } from "./Output.js"
import { type ParsedCommand, parseCommand } from "./parseCommand.js"

/** Resolves to the exit code, if it is not 0. */
type Run = (parsed: ParsedCommand) => Promise<number | void>

const load = async (name: RemoteCommandName): Promise<Run> => {
  switch (name) {
    case "logs":
      return (await import("./logs/logs.js")).logs
    case "search":
      return (await import("./search/search.js")).search
    case "operations":
      return (await import("./operations/operations.js")).operations
    case "cancel":
      return (await import("./operations/cancel.js")).cancel
    case "up":
    case "down":
    case "stop":
    case "start":
    case "restart":
    case "pull": {
      const { operateStack } = await import("./stacks/operateStack.js")
      return (parsed) => {
        const [stack = "", ...services] = parsed.operands
        return operateStack(name, stack, services, parsed)
      }
    }
    case "stack":
      return (await import("./stacks/stack.js")).stack
  }
}

/** Runs the command. Resolves to its exit code. */
export const runRemote = async (name: RemoteCommandName, argv: ReadonlyArray<string>): Promise<number> => {
  endWithOutput()
  try {
    const parsed = parseCommand(name, argv)
    const run = await load(name)
    return (await run(parsed)) ?? ExitCode.ok
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    if (!(error instanceof CommandFailure)) return ExitCode.failed
    if (error.exitCode === ExitCode.usage) process.stderr.write(`Run "dockwire ${name} --help" for usage.\n`)
    return error.exitCode
  }
}
