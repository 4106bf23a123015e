import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { type ProgramRun, ProgramStep } from "./program.js"
import { parseScript, type ShellCommand } from "./shellScript.js"

type Steps = Stream.Stream<ProgramStep>
type BuiltIn = (args: ReadonlyArray<string>, run: ProgramRun) => Steps

const exit = (exitCode: number): Steps => Stream.succeed(ProgramStep.exit(exitCode))

const fail = (text: string, exitCode: number): Steps =>
  Stream.make(ProgramStep.line(text, "stderr"), ProgramStep.exit(exitCode))

const units: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** Parses `1.5`, `10s`, `2h` or `infinity`. */
const parseSeconds = (text: string): number | undefined => {
  const parts = /^(\d+(?:\.\d+)?|\.\d+)([smhd]?)$/.exec(text)
  return text === "infinity"
    ? Number.POSITIVE_INFINITY
    : parts === null
      ? undefined
      : Number(parts[1]) * (units[parts[2] ?? ""] ?? 1)
}

const sleep: BuiltIn = (args) => {
  const times = args.map(parseSeconds)
  const invalid = args.find((_, index) => times[index] === undefined)
  if (invalid !== undefined) return fail(`sleep: invalid number '${invalid}'`, 1)
  const total = times.reduce<number>((sum, time) => sum + (time ?? 0), 0)
  const wait = Number.isFinite(total) ? Effect.sleep(Duration.seconds(total)) : Effect.never
  return Stream.concat(Stream.drain(Stream.fromEffect(wait)), exit(0))
}

const echo: BuiltIn = (args) => {
  const noNewline = args[0] === "-n"
  const text = (noNewline ? args.slice(1) : args).join(" ")
  return Stream.make(noNewline ? ProgramStep.output(text) : ProgramStep.line(text), ProgramStep.exit(0))
}

const cat: BuiltIn = (args, run) => {
  let exitCode = 0
  const output = (name: string): Steps =>
    Stream.suspend(() => {
      if (name === "-") return Stream.map(run.stdin, (bytes) => ProgramStep.output(bytes))
      const content = run.readFile(name)
      if (content !== undefined) return Stream.succeed(ProgramStep.output(content))
      exitCode = 1
      return Stream.succeed(ProgramStep.line(`cat: can't open '${name}': No such file or directory`, "stderr"))
    })
  return Stream.flatMap(Stream.fromIterable(args.length === 0 ? ["-"] : args), output).pipe(
    Stream.concat(Stream.suspend(() => exit(exitCode)))
  )
}

const seq: BuiltIn = (args) => {
  const numbers = args.map(Number)
  const invalid = args.find((_, index) => !Number.isInteger(numbers[index]))
  if (invalid !== undefined) return fail(`seq: invalid number '${invalid}'`, 1)
  const [first = 1, step = 1, last = 0] =
    numbers.length === 1 ? [1, 1, numbers[0]] : numbers.length === 2 ? [numbers[0], 1, numbers[1]] : numbers
  const lines = Stream.unfold(first, (at) =>
    (step > 0 && at <= last) || (step < 0 && at >= last)
      ? Option.some([ProgramStep.line(String(at)), at + step])
      : Option.none()
  )
  return Stream.concat(lines, exit(0))
}

const env: BuiltIn = (_, run) =>
  Stream.concat(
    Stream.fromIterable(Object.entries(run.environment).map(([key, value]) => ProgramStep.line(`${key}=${value}`))),
    exit(0)
  )

/** Runs the commands from index `at`. `exitCode` is that of the last command that ran. */
const runCommands = (commands: ReadonlyArray<ShellCommand>, run: ProgramRun, at = 0, exitCode = 0): Steps => {
  const command = commands[at]
  if (command === undefined) return exit(exitCode)
  if ((command.when === "success" && exitCode !== 0) || (command.when === "failure" && exitCode === 0)) {
    return runCommands(commands, run, at + 1, exitCode)
  }
  const [name = "", ...args] = command.words[0] === "exec" ? command.words.slice(1) : command.words
  if (name === "exit") return exit(args[0] === undefined ? exitCode : Number(args[0]) & 255)
  let code = 0
  const steps = builtInProgram([name, ...args], run) ?? fail(`sh: ${name}: not found`, 127)
  const output = Stream.filterMap(steps, (step) => {
    if (step._tag === "Output") return Option.some(command.toStderr ? ProgramStep.output(step.bytes, "stderr") : step)
    code = step.exitCode
    return Option.none()
  })
  return Stream.concat(
    output,
    Stream.suspend(() => (command.words[0] === "exec" ? exit(code) : runCommands(commands, run, at + 1, code)))
  )
}

const runScript = (text: string, run: ProgramRun): Steps => {
  const commands = parseScript(text)
  return typeof commands === "string"
    ? fail(`sh: unsupported syntax (MemoryEngine runs simple commands only): ${commands}`, 2)
    : runCommands(commands, run)
}

const sh: BuiltIn = (args, run) => {
  const text = args[1]
  if (args[0] === "-c" && text !== undefined) return runScript(text, run)
  if (args.length > 0) return fail(`sh: can't open '${args[0]}'`, 2)
  let code = 0
  const withoutInput = { ...run, stdin: Stream.empty }
  const lines = run.stdin.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.flatMap((line) => runScript(line, withoutInput)),
    Stream.filter((step) => {
      if (step._tag === "Exit") code = step.exitCode
      return step._tag === "Output"
    })
  )
  return Stream.concat(
    lines,
    Stream.suspend(() => exit(code))
  )
}

const builtIns: Record<string, BuiltIn> = {
  cat,
  echo,
  env,
  false: () => exit(1),
  seq,
  sh,
  sleep,
  true: () => exit(0)
}

/** The built-in program for a command, if there is one. */
export const builtInProgram = (command: ReadonlyArray<string>, run: ProgramRun): Steps | undefined => {
  const name = (command[0] ?? "").replace(/^(\/usr)?\/bin\//, "")
  return Object.hasOwn(builtIns, name) ? builtIns[name]?.(command.slice(1), run) : undefined
}
