import { parseArgs } from "node:util"
import { usageFailure } from "./CommandFailure.js"
import { connectionFlags, type RemoteCommandName, type RemoteFlag, remoteCommands } from "./commands.js"

/** A command line, taken apart. */
export interface ParsedCommand {
  readonly operands: ReadonlyArray<string>
  /** The value of a flag, or of its variable; `undefined` if neither is set. */
  readonly text: (name: string) => string | undefined
  /** Whether a flag without a value is set. */
  readonly isSet: (name: string) => boolean
}

const optionOf = ({ short, value }: RemoteFlag) => ({
  type: value === undefined ? ("boolean" as const) : ("string" as const),
  ...(short === undefined ? {} : { short })
})

const parse = (argv: ReadonlyArray<string>, flags: ReadonlyArray<RemoteFlag>) => {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: Object.fromEntries(flags.map((flag) => [flag.name, optionOf(flag)]))
    })
  } catch (error) {
    // Node's advice goes on after the first sentence, about what a value could be meant as.
    throw usageFailure(error instanceof Error ? error.message : String(error))
  }
}

/** Takes the arguments of a command apart. */
export const parseCommand = (name: RemoteCommandName, argv: ReadonlyArray<string>): ParsedCommand => {
  const {
    flags: own,
    operands
  }: { flags: ReadonlyArray<RemoteFlag>; operands: { usage: string; min: number; max: number } } = remoteCommands[name]
  const flags = [...own, ...connectionFlags]
  const { positionals, values } = parse(argv, flags)
  if (positionals.length < operands.min) throw usageFailure(`${operands.usage} is missing.`)
  if (positionals.length > operands.max) {
    throw usageFailure(`${JSON.stringify(positionals[operands.max])} is one argument too many.`)
  }
  const variables = new Map(flags.map((flag) => [flag.name, flag.variable]))
  return {
    operands: positionals,
    text: (flag) => {
      const variable = variables.get(flag)
      const given = values[flag] ?? (variable === undefined ? undefined : process.env[variable])
      return typeof given === "string" && given !== "" ? given : undefined
    },
    isSet: (flag) => values[flag] === true
  }
}

/** The value of a flag that is a whole number. */
export const wholeNumber = (parsed: ParsedCommand, flag: string, minimum: number): number | undefined => {
  const text = parsed.text(flag)
  if (text === undefined) return undefined
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (value >= minimum) return value
  throw usageFailure(`Invalid --${flag} ${JSON.stringify(text)}. Pass a whole number, ${minimum} or more.`)
}
