import * as Stream from "effect/Stream"
import { builtInProgram } from "./builtInPrograms.js"
import { withDefaultTag } from "./imageReference.js"
import type { MemoryProgram, ProgramRun, ProgramStep, ProgramUsage } from "./program.js"

/** A command to run, and the environment to run it in. */
export interface ProcessOptions extends Omit<ProgramRun, "stdin"> {
  /** Whether it is an exec in a running container, rather than the container's own process. */
  readonly exec: boolean
  readonly openStdin: boolean
}

const idleUsage = (seconds: number): ProgramUsage => ({
  cpuSeconds: seconds / 100,
  memory: 4 * 1024 * 1024,
  received: 0,
  sent: 0,
  read: 0,
  written: 0
})

/** A program with its defaults filled in. */
export type ResolvedProgram = Required<Pick<MemoryProgram, "run" | "signals" | "usage">>

const matches = (program: MemoryProgram, { command, exec, image }: ProcessOptions): boolean => {
  if (exec && program.command === undefined) return false
  if (program.image !== undefined && withDefaultTag(program.image) !== withDefaultTag(image)) return false
  if (program.command === undefined) return true
  const text = command.join(" ")
  return typeof program.command === "string"
    ? text === program.command || text.startsWith(`${program.command} `)
    : text.search(program.command) >= 0
}

/** Finds the program that a command runs: the first match in `programs`, else a built-in one. */
export const resolveProgram = (
  programs: ReadonlyArray<MemoryProgram>,
  options: ProcessOptions
): ResolvedProgram | undefined => {
  const program = programs.find((candidate) => matches(candidate, options))
  if (program !== undefined) {
    const { run, signals = { SIGTERM: 143, SIGINT: 130 }, usage = idleUsage } = program
    return { run, signals, usage }
  }
  const { command } = options
  if (builtInProgram(command, { ...options, stdin: Stream.empty }) === undefined) return undefined
  // A built-in installs no signal handlers, and the kernel ignores unhandled signals (but SIGKILL) to a container's PID 1.
  const run = (run: ProgramRun): Stream.Stream<ProgramStep> => builtInProgram(command, run) ?? Stream.empty
  return { run, signals: {}, usage: idleUsage }
}

/** The OCI runtime's error for a command that does not exist, or is a path that exists but cannot be executed. */
export const commandNotFound = ([name = ""]: ReadonlyArray<string>, exists = false): string =>
  `unable to start container process: exec: "${name}": ${
    !name.includes("/")
      ? "executable file not found in $PATH"
      : exists
        ? "permission denied"
        : `stat ${name}: no such file or directory`
  }: unknown`
