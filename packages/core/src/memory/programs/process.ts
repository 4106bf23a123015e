import * as Effect from "effect/Effect"
import * as Mailbox from "effect/Mailbox"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { LogStream } from "../../LogEvent.js"
import { ConditionVariable } from "../time/conditionVariable.js"
import type { EngineClock } from "../time/engineClock.js"
import type { MemoryProgram, ProgramRun, ProgramStep, ProgramUsage } from "./program.js"
import { type ProcessOptions, resolveProgram, type ResolvedProgram } from "./resolveProgram.js"
import { Terminal } from "./terminal.js"

/** Receives a process's output. `now` reads the engine's clock. */
export type OutputListener = (stream: LogStream, bytes: Uint8Array, now: () => bigint) => void

/** What a process needs from the engine. */
export interface ProcessContext {
  readonly clock: EngineClock
  readonly programs: ReadonlyArray<MemoryProgram>
  readonly scope: Scope.Scope
}

let lastPid = 4000

/** A running program. */
export class Process {
  readonly pid = ++lastPid
  exitCode: number | undefined
  readonly #listeners = new Set<OutputListener>()
  readonly #terminal: Terminal | undefined
  readonly #changed = new ConditionVariable()
  #paused = false
  #killedWith: number | undefined
  /** The exit code of the program itself, once it has reached its end. */
  #returned: number | undefined
  /** The steps that replace the program's own since a signal arrived. */
  #signalHandler: ResolvedProgram["run"] | undefined

  private constructor(
    readonly options: ProcessOptions,
    readonly clock: EngineClock,
    readonly program: ResolvedProgram,
    readonly stdin: Mailbox.Mailbox<Uint8Array>
  ) {
    this.#terminal = options.tty ? new Terminal() : undefined
  }

  /**
   * Starts a command in the context's scope; `undefined` if no program stands for it. `onExit` runs once, after the program
   * has ended and before `awaitExit` completes.
   */
  static start(
    options: ProcessOptions,
    context: ProcessContext,
    listener: OutputListener,
    onExit: (process: Process, exitCode: number) => Effect.Effect<void>
  ): Effect.Effect<Process | undefined> {
    return Effect.gen(function* () {
      const program = resolveProgram(context.programs, options)
      if (program === undefined) return undefined
      const stdin = yield* Mailbox.make<Uint8Array>()
      if (!options.openStdin) yield* stdin.end
      const process = new Process(options, context.clock, program, stdin)
      process.addOutputListener(listener)
      yield* process.#run((exitCode) => onExit(process, exitCode)).pipe(Effect.forkIn(context.scope))
      return process
    })
  }

  /** The resources it has used after the given number of seconds. */
  usage(seconds: number): ProgramUsage {
    return this.program.usage(seconds)
  }

  #run(onExit: (exitCode: number) => Effect.Effect<void>): Effect.Effect<void> {
    return Effect.gen(this, function* () {
      const { command, environment, image, readFile, tty } = this.options
      const run: ProgramRun = { command, environment, image, readFile, tty, stdin: Mailbox.toStream(this.stdin) }
      const killed = this.#changed.waitUntil(() => this.#killedWith !== undefined)
      const signalled = this.#changed.waitUntil(() => this.#signalHandler !== undefined)
      yield* Effect.raceFirst(Effect.raceFirst(this.#play(this.program.run(run)), signalled), killed)
      if (this.#returned === undefined && this.#killedWith === undefined && this.#signalHandler !== undefined) {
        yield* Effect.raceFirst(this.#play(this.#signalHandler(run)), killed)
      }
      yield* this.stdin.end
      const exitCode = this.#killedWith ?? this.#returned ?? 0
      yield* onExit(exitCode)
      this.exitCode = exitCode
      this.#changed.notifyAll()
    })
  }

  /** Performs the steps up to the exit, while not paused. */
  #play(steps: Stream.Stream<ProgramStep>): Effect.Effect<void> {
    return steps.pipe(
      Stream.takeUntil((step) => step._tag === "Exit"),
      Stream.runForEach((step) =>
        Effect.zipRight(
          this.#changed.waitUntil(() => !this.#paused),
          step._tag === "Exit"
            ? Effect.sync(() => void (this.#returned = step.exitCode))
            : this.write(step.stream, step.bytes)
        )
      ),
      Effect.zipRight(Effect.sync(() => void (this.#returned ??= 0))),
      // A program that dies reports the defect on stderr, as a crashing program would.
      Effect.catchAllDefect((defect) => {
        this.#returned = 1
        return this.write("stderr", new TextEncoder().encode(`${String(defect)}\n`))
      })
    )
  }

  /** Writes output as the process. With a TTY, everything goes to stdout. */
  write(stream: LogStream, bytes: Uint8Array): Effect.Effect<void> {
    return Effect.clockWith((clock) =>
      Effect.sync(() => {
        const output = this.#terminal === undefined ? bytes : Terminal.processOutput(bytes)
        const target = this.#terminal === undefined ? stream : "stdout"
        for (const listener of this.#listeners) listener(target, output, () => this.clock.unsafeNow(clock))
      })
    )
  }

  /** Sends input to the process, through its terminal if it has one. */
  writeInput(bytes: Uint8Array): Effect.Effect<void> {
    const terminal = this.#terminal
    if (terminal === undefined) return Effect.asVoid(this.stdin.offer(bytes))
    return Effect.gen(this, function* () {
      const { echo, ended, interrupted, lines } = terminal.processInput(bytes)
      if (echo.length > 0) yield* this.write("stdout", echo)
      for (const line of lines) yield* this.stdin.offer(line)
      if (ended) yield* this.stdin.end
      if (interrupted) this.kill(130)
    })
  }

  /** Returns a function that removes the listener. */
  addOutputListener(listener: OutputListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  set paused(paused: boolean) {
    this.#paused = paused
    this.#changed.notifyAll()
  }

  /** Ends the process with the given exit code, whatever it is doing. */
  kill(exitCode: number): void {
    this.#killedWith ??= exitCode
    this.#changed.notifyAll()
  }

  /** Sends a signal. Returns whether the process reacts to it. */
  signal(name: string): boolean {
    const reaction = name === "SIGKILL" ? 137 : this.program.signals[name]
    if (typeof reaction === "number") this.kill(reaction)
    else if (reaction !== undefined) {
      this.#signalHandler ??= reaction
      this.#changed.notifyAll()
    }
    return reaction !== undefined
  }

  /** Completes when the process has ended and its `onExit` has run. */
  get awaitExit(): Effect.Effect<void> {
    return this.#changed.waitUntil(() => this.exitCode !== undefined)
  }
}
