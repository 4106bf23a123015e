/** How a command ends. */
export const ExitCode = {
  ok: 0,
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** The operation was interrupted: by someone who cancelled it, or by the end of its server. */
  interrupted: 3,
  /** The command was ended by Ctrl-C. */
  left: 130
} as const

/** A command cannot go on. `message` is for people: what happened, and what to do. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure"
  readonly exitCode: number

  constructor(message: string, exitCode: number = ExitCode.failed) {
    super(message)
    this.exitCode = exitCode
  }
}

/** The command line is wrong. */
export const usageFailure = (message: string): CommandFailure => new CommandFailure(message, ExitCode.usage)
