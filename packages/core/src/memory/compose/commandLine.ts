import * as Either from "effect/Either"

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

const longName = (names: ReadonlyArray<string>, given: string): string | undefined => {
  const found = names.find((name) => name.split("|").includes(given))
  return found?.split("|")[0]
}

/** Reads the arguments of a command that works without a script. `Left` says what is wrong with them. */
export const parseCommandLine = (args: ReadonlyArray<string>): Either.Either<CommandLine, string> => {
  const [verb = "", ...rest] = args
  const grammar = Object.hasOwn(grammars, verb) ? grammars[verb] : undefined
  if (grammar === undefined) {
    return Either.left(
      `MemoryCompose does not know the command "${verb}". It knows ${Object.keys(grammars).join(", ")}; script others in its "commands"`
    )
  }
  const flags = new Set<string>()
  const values = new Map<string, Array<string>>()
  const words: Array<string> = []
  for (let index = 0; index < rest.length; index++) {
    const given = rest[index] ?? ""
    if (given === "--") {
      words.push(...rest.slice(index + 1))
      break
    }
    if (!given.startsWith("-") || given === "-") {
      if (grammar.endsAtWord === true) {
        words.push(...rest.slice(index))
        break
      }
      words.push(given)
      continue
    }
    const equals = given.startsWith("--") ? given.indexOf("=") : -1
    const name = equals === -1 ? given : given.slice(0, equals)
    const flag = equals === -1 ? longName(grammar.flags, name) : undefined
    const option = longName(grammar.values, name)
    const value = equals === -1 ? rest[index + 1] : given.slice(equals + 1)
    if (flag !== undefined) flags.add(flag)
    else if (option === undefined) {
      return Either.left(
        `MemoryCompose does not know the flag ${name} of "${verb}". Script the command in its "commands"`
      )
    } else if (value === undefined) return Either.left(`flag needs an argument: ${name}`)
    else {
      values.set(option, [...(values.get(option) ?? []), value])
      if (equals === -1) index++
    }
  }
  return Either.right({ verb, flags, values, words })
}
