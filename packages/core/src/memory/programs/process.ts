import * as Effect from "effect/Effect"
import * as Mailbox from "effect/Mailbox"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { LogStream } from "../../LogEvent.js"
import { ConditionVariable } from "../time/conditionVariable.js"
import { builtIn } from "./builtInPrograms.js"
import type { EngineClock } from "../time/engineClock.js"
import type { MemoryProgram, ProgramRun, ProgramSignals, ProgramStep, ProgramUsage } from "./program.js"
import { Terminal } from "./terminal.js"

/** What is run, and how. */
export interface ProcessOptions {
  readonly image: string
  readonly command: ReadonlyArray<string>
  readonly environment: Readonly<Record<string, string>>
  readonly tty: boolean
  readonly readFile: ProgramRun["readFile"]
  /** Whether it is a command in a container that runs already. */
  readonly inside: boolean
  readonly openStdin: boolean
}

/** Who hears what a process writes. */
export type OutputListener = (stream: LogStream, bytes: Uint8Array, now: () => bigint) => void

const idle = (seconds: number): ProgramUsage => ({
  cpuSeconds: seconds / 100,
  memory: 4 * 1024 * 1024,
  received: 0,
  sent: 0,
  read: 0,
  written: 0
})

/** What a command stands for. */
interface Chosen {
  readonly steps: (run: ProgramRun) => Stream.Stream<ProgramStep>
  readonly signals: ProgramSignals
  readonly usage: (seconds: number) => ProgramUsage
}

const withDefaultTag = (image: string): string => (/:[^/]*$|@/.test(image) ? image : `${image}:latest`)

const matches = (program: MemoryProgram, { command, image, inside }: ProcessOptions): boolean => {
  if (inside && program.command === undefined) return false
  if (program.image !== undefined && withDefaultTag(program.image) !== withDefaultTag(image)) return false
  if (program.command === undefined) return true
  const text = command.join(" ")
  return typeof program.command === "string"
    ? text === program.command || text.startsWith(`${program.command} `)
    : text.search(program.command) >= 0
}

const choose = (programs: ReadonlyArray<MemoryProgram>, options: ProcessOptions): Chosen | undefined => {
  const program = programs.find((one) => matches(one, options))
  if (program !== undefined) {
    const { run, signals = { SIGTERM: 143, SIGINT: 130 }, usage = idle } = program
    return { steps: run, signals, usage }
  }
  const { command, environment, image, readFile, tty } = options
  // As the first process of a container without a handler: the kernel gives it no signal but the last one.
  return builtIn(command, { command, environment, image, readFile, tty, stdin: Stream.empty }) === undefined
    ? undefined
    : { steps: (run) => builtIn(command, run) ?? Stream.empty, signals: {}, usage: idle }
}

/** How the engine says that there is no such command. */
export const noSuchCommand = ([name = ""]: ReadonlyArray<string>): string =>
  `unable to start container process: exec: "${name}": ${
    name.includes("/") ? `stat ${name}: no such file or directory` : "executable file not found in $PATH"
  }: unknown`

let lastPid = 4000

/** A program that runs. */
export class Process {
  readonly pid = ++lastPid
  readonly changed = new ConditionVariable()
  readonly #listeners = new Set<OutputListener>()
  readonly #terminal: Terminal | undefined
  #paused = false
  #killed: number | undefined
  /** What is done since a signal came. */
  #handling: ((run: ProgramRun) => Stream.Stream<ProgramStep>) | undefined
  exitCode: number | undefined

  private constructor(
    readonly options: ProcessOptions,
    readonly clock: EngineClock,
    readonly signals: ProgramSignals,
    /** What it has used after so many seconds. */
    readonly usage: (seconds: number) => ProgramUsage,
    readonly stdin: Mailbox.Mailbox<Uint8Array>
  ) {
    this.#terminal = options.tty ? new Terminal() : undefined
  }

  /**
   * Starts the program that stands for the command, in the scope; `undefined` where there is none. `exited` is run once,
   * when the program has ended.
   */
  static start(
    options: ProcessOptions,
    context: {
      readonly clock: EngineClock
      readonly programs: ReadonlyArray<MemoryProgram>
      readonly scope: Scope.Scope
    },
    listener: OutputListener,
    exited: (process: Process, exitCode: number) => Effect.Effect<void>
  ): Effect.Effect<Process | undefined> {
    return Effect.gen(function* () {
      const chosen = choose(context.programs, options)
      if (chosen === undefined) return undefined
      const stdin = yield* Mailbox.make<Uint8Array>()
      if (!options.openStdin) yield* stdin.end
      const process = new Process(options, context.clock, chosen.signals, chosen.usage, stdin)
      process.listen(listener)
      const { command, environment, image, readFile, tty } = options
      const run: ProgramRun = { command, environment, image, readFile, tty, stdin: Mailbox.toStream(stdin) }
      yield* process.#run(chosen.steps, run, (exitCode) => exited(process, exitCode)).pipe(Effect.forkIn(context.scope))
      return process
    })
  }

  #run(
    steps: (run: ProgramRun) => Stream.Stream<ProgramStep>,
    run: ProgramRun,
    exited: (exitCode: number) => Effect.Effect<void>
  ): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      let code: number | undefined
      const play = (steps: Stream.Stream<ProgramStep>) =>
        steps.pipe(
          Stream.takeUntil((step) => step._tag === "Exit"),
          Stream.runForEach((step) =>
            Effect.zipRight(
              this.changed.waitUntil(() => !this.#paused),
              step._tag === "Exit" ? Effect.sync(() => (code = step.exitCode)) : this.write(step.stream, step.bytes)
            )
          ),
          Effect.zipRight(Effect.sync(() => (code ??= 0))),
          // A program that breaks says so, as a program does.
          Effect.catchAllDefect((defect) => {
            code = 1
            return this.write("stderr", new TextEncoder().encode(`${String(defect)}\n`))
          })
        )
      const killed = this.changed.waitUntil(() => this.#killed !== undefined)
      const signalled = this.changed.waitUntil(() => this.#handling !== undefined)
      yield* Effect.raceFirst(Effect.raceFirst(play(steps(run)), signalled), killed)
      if (code === undefined && this.#killed === undefined && this.#handling !== undefined) {
        yield* Effect.raceFirst(play(this.#handling(run)), killed)
      }
      yield* this.stdin.end
      const exitCode = this.#killed ?? code ?? 0
      yield* exited(exitCode)
      this.exitCode = exitCode
      this.changed.notifyAll()
    })
  }

  /** The process writes. */
  write(stream: LogStream, bytes: Uint8Array): Effect.Effect<void> {
    return Effect.clockWith((clock) =>
      Effect.sync(() => {
        const shown = this.#terminal === undefined ? bytes : Terminal.shown(bytes)
        const name = this.#terminal === undefined ? stream : "stdout"
        for (const listener of this.#listeners) listener(name, shown, () => this.clock.next(clock))
      })
    )
  }

  /** Somebody writes to the process. */
  feed(bytes: Uint8Array): Effect.Effect<void> {
    const terminal = this.#terminal
    if (terminal === undefined) return Effect.asVoid(this.stdin.offer(bytes))
    return Effect.gen(this, function* () {
      const { echo, interrupted, ended, input } = terminal.typed(bytes)
      if (echo.length > 0) yield* this.write("stdout", echo)
      for (const line of input) yield* this.stdin.offer(line)
      if (ended) yield* this.stdin.end
      if (interrupted) this.end(130)
    })
  }

  /** Gives what takes the listener off again. */
  listen(listener: OutputListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  set paused(paused: boolean) {
    this.#paused = paused
    this.changed.notifyAll()
  }

  /** Ends it from outside. */
  end(exitCode: number): void {
    this.#killed ??= exitCode
    this.changed.notifyAll()
  }

  /** Sends a signal; whether the process ends of it. */
  signal(name: string): boolean {
    const reaction = name === "SIGKILL" ? 137 : this.signals[name]
    if (typeof reaction === "number") this.end(reaction)
    else if (reaction !== undefined) {
      this.#handling ??= reaction
      this.changed.notifyAll()
    }
    return reaction !== undefined
  }

  /** Done when it has ended, and all that comes of that is done. */
  get ended(): Effect.Effect<void> {
    return this.changed.waitUntil(() => this.exitCode !== undefined)
  }
}
