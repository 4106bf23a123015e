/** `dockwire __complete`: what the word at the end of a command line can become. The scripts of `completion` ask it. */
import { containerNames } from "../remote/findContainers.js"
import { findServer } from "../remote/findServer.js"
import { listOperations } from "../remote/operations/findOperation.js"
import { stackNames } from "../remote/stacks/stackNames.js"
import type { ParsedCommand } from "../remote/parseCommand.js"
import { RemoteServer } from "../remote/RemoteServer.js"
import type { Completion, RemoteFlag } from "../remote/commands.js"
import { commandTable, type CompletedCommand } from "./commandTable.js"

/** A word, and what it is. */
type Candidate = readonly [word: string, description: string]

/** How long the server may take to tell names, in milliseconds. Somebody is waiting for the Tab key. */
const patience = 1_500

/** A command line in front of the word that is completed. */
interface Line {
  readonly command: CompletedCommand
  readonly values: ReadonlyMap<string, string>
  readonly operands: ReadonlyArray<string>
  /** The flag whose value comes next. */
  readonly open: CompletedCommand["flags"][number] | undefined
}

const readLine = (command: CompletedCommand, words: ReadonlyArray<string>): Line => {
  const values = new Map<string, string>()
  const operands: Array<string> = []
  let open: Line["open"]
  for (const word of words) {
    // Bash makes a word of its own of it.
    if (word === "=") continue
    if (open !== undefined) {
      values.set(open.name, word)
      open = undefined
      continue
    }
    const [, name, , value] = /^--([^=]+)(=(.*))?$/.exec(word) ?? []
    const isShort = /^-[a-z]+$/i.test(word)
    const flag = command.flags.find((each) => each.name === name || (isShort && each.short === word.at(-1)))
    if (flag === undefined) {
      if (!word.startsWith("-")) operands.push(word)
    } else if (flag.value === undefined || value !== undefined) values.set(flag.name, value ?? "")
    else open = flag
  }
  return { command, values, operands, open }
}

const serverOf = async ({ values }: Line): Promise<RemoteServer> => {
  const variables: Readonly<Record<string, string>> = {
    server: "DOCKWIRE_SERVER",
    token: "DOCKWIRE_TOKEN",
    "data-dir": "DOCKWIRE_DATA_DIR"
  }
  const parsed: ParsedCommand = {
    operands: [],
    isSet: () => false,
    text: (name) => (values.get(name) ?? process.env[variables[name] ?? ""]) || undefined
  }
  return new RemoteServer(await findServer(parsed))
}

const candidates = async (completion: Completion | undefined, line: Line): Promise<ReadonlyArray<Candidate>> => {
  if (completion === undefined) return []
  if (completion === "directory") return [[":directories", ""]]
  if (typeof completion !== "string") return completion.map((word) => [word, ""] as const)
  const server = await serverOf(line)
  if (completion === "operation") {
    const { operations } = await listOperations(server, { limit: 50 })
    return operations.map(({ log_id, operation_type, status }) => [log_id, `${operation_type} ${status}`] as const)
  }
  const names = await (completion === "container" ? containerNames(server) : stackNames(server))
  return names.map((name) => [name, ""] as const)
}

const flagCandidates = ({ command, values }: Line): ReadonlyArray<Candidate> => [
  ...command.flags
    .filter(({ name, repeated }: Pick<RemoteFlag, "name" | "repeated">) => repeated === true || !values.has(name))
    .map(({ description, name }) => [`--${name}`, description] as const),
  ["--help", "Show the help"]
]

const candidatesFor = async (words: ReadonlyArray<string>): Promise<ReadonlyArray<Candidate>> => {
  const [name = "", ...rest] = words
  const current = words.at(-1) ?? ""
  if (words.length < 2) {
    const flags = [
      ["--help", "Show the help"],
      ["--version", "Show the version"]
    ] as const
    const commands = Array.from(commandTable, ([each, { summary }]) => [each, summary] as const)
    return current.startsWith("-") ? flags : commands
  }
  const command = commandTable.get(name)
  if (command === undefined) return []
  const line = readLine(command, rest.slice(0, -1))
  if (line.open !== undefined) return candidates(line.open.completion, line)
  if (current.startsWith("-")) return flagCandidates(line)
  const { completion, max, second } = command.operands
  // A new stack has no name yet, and a list takes none.
  if (second !== undefined && line.operands.length > 0) {
    const [verb = ""] = line.operands
    return line.operands.length > 1 || verb === "list" || verb === "add" ? [] : candidates(second, line)
  }
  // Only the first operand of such a command is a stack; the names of services are not known here.
  if (line.operands.length >= (completion === "stack" ? 1 : max)) return []
  const found = await candidates(completion, line)
  return found.filter(([word]) => !line.operands.includes(word))
}

/** Prints a word a line, and after a tab what it is, if that is to say. Where the server cannot be asked, there are no words. */
export const complete = async (words: ReadonlyArray<string>): Promise<void> => {
  const late = new Promise<ReadonlyArray<Candidate>>((resolve) => setTimeout(() => resolve([]), patience).unref())
  const found = await Promise.race([candidatesFor(words), late]).catch(() => [])
  // oxlint-disable-next-line no-control-regex
  const oneLine = (text: string) => text.replace(/[\u0000-\u001f\u007f]/g, " ")
  const text = found.map(([word, is]) => (is === "" ? oneLine(word) : `${oneLine(word)}\t${oneLine(is)}`))
  process.stdout.write(text.map((line) => `${line}\n`).join(""), () => process.exit(0))
}
