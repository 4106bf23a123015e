import * as Either from "effect/Either"
import { parseArgs, type ParseArgsConfig } from "node:util"

type ParseArgsOptionsConfig = NonNullable<ParseArgsConfig["options"]>

/** The arguments of a compose command. */
export interface CommandLine {
  readonly verb: string
  /** The long names of the flags that are set. */
  readonly flags: ReadonlySet<string>
  /** The values of options, by long name, in their order. */
  readonly values: ReadonlyMap<string, ReadonlyArray<string>>
  /** What is neither: services, or a service and the command to execute. */
  readonly words: ReadonlyArray<string>
}

interface Grammar {
  /** Long names, with the short one after a bar. */
  readonly flags: ReadonlyArray<string>
  readonly values: ReadonlyArray<string>
  /** Whether everything after the first word is part of another command. */
  readonly endsAtWord?: boolean
}

const timeout = "--timeout|-t"

/** The commands that work without a script. Of their flags, those that make a difference, or none worth mentioning. */
const grammars: Readonly<Record<string, Grammar>> = {
  up: {
    flags: [
      "--detach|-d",
      "--build",
      "--remove-orphans",
      "--force-recreate",
      "--no-recreate",
      "--no-deps",
      "--no-start",
      "--quiet-pull",
      "--yes|-y"
    ],
    values: [timeout, "--scale", "--pull"]
  },
  create: {
    flags: ["--build", "--remove-orphans", "--force-recreate", "--no-recreate", "--quiet-pull", "--yes|-y"],
    values: ["--scale", "--pull"]
  },
  down: { flags: ["--remove-orphans", "--volumes|-v"], values: [timeout, "--rmi"] },
  stop: { flags: [], values: [timeout] },
  start: { flags: [], values: [] },
  restart: { flags: ["--no-deps"], values: [timeout] },
  kill: { flags: [], values: ["--signal|-s"] },
  pause: { flags: [], values: [] },
  unpause: { flags: [], values: [] },
  rm: { flags: ["--force|-f", "--stop|-s", "--volumes|-v"], values: [] },
  pull: { flags: ["--ignore-pull-failures", "--include-deps", "--quiet|-q"], values: [] },
  build: { flags: ["--no-cache", "--pull", "--quiet|-q"], values: ["--build-arg"] },
  exec: {
    flags: ["--no-TTY|-T", "--detach|-d", "--privileged"],
    values: ["--env|-e", "--index", "--user|-u", "--workdir|-w"],
    endsAtWord: true
  },
  config: { flags: ["--services", "--quiet|-q"], values: ["--format"] },
  version: { flags: ["--short"], values: [] }
}

/** What `parseArgs` is to know of a grammar, where options have their long names without dashes. */
const optionsOf = ({ flags, values }: Grammar): ParseArgsOptionsConfig =>
  Object.fromEntries(
    [
      ...flags.map((names) => ({ names, type: "boolean" as const })),
      ...values.map((names) => ({ names, type: "string" as const }))
    ].map(({ names, type }) => {
      const [long = "", short] = names.split("|")
      return [long.slice(2), { type, ...(short === undefined ? {} : { short: short.slice(1) }) }]
    })
  )

/** Reads the arguments of a command that works without a script. `Left` says what is wrong with them. */
export const parseCommandLine = (args: ReadonlyArray<string>): Either.Either<CommandLine, string> => {
  const [verb = "", ...rest] = args
  const grammar = Object.hasOwn(grammars, verb) ? grammars[verb] : undefined
  if (grammar === undefined) {
    return Either.left(
      `MemoryCompose does not know the command "${verb}". It knows ${Object.keys(grammars).join(", ")}; script others in its "commands"`
    )
  }
  const options = optionsOf(grammar)
  const flags = new Set<string>()
  const values = new Map<string, Array<string>>()
  const words: Array<string> = []
  for (const token of parseArgs({ args: rest, options, strict: false, allowPositionals: true, tokens: true }).tokens) {
    if (token.kind === "option-terminator") continue
    if (token.kind === "positional") {
      if (grammar.endsAtWord === true) {
        words.push(...rest.slice(token.index))
        break
      }
      words.push(token.value)
      continue
    }
    const { inlineValue, name, rawName, value } = token
    const type = Object.hasOwn(options, name) ? options[name]?.type : undefined
    if (type === undefined || (type === "boolean" && inlineValue === true)) {
      return Either.left(
        `MemoryCompose does not know the flag ${rawName} of "${verb}". Script the command in its "commands"`
      )
    }
    if (type === "boolean") flags.add(`--${name}`)
    else if (value === undefined) return Either.left(`flag needs an argument: ${rawName}`)
    else values.set(`--${name}`, [...(values.get(`--${name}`) ?? []), value])
  }
  return Either.right({ verb, flags, values, words })
}
