import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type ChildProcess, spawn } from "node:child_process"
import type { Writable } from "node:stream"
import type { LogStream } from "../../LogEvent.js"
import { LineReader } from "./lineReader.js"
import { endProcessGroup } from "./processGroup.js"
import { currentRun, runMark } from "./runMark.js"

/** A program to run on this machine. Its arguments are passed as a vector: no shell interprets them. */
export interface HostCommand {
  readonly program: string
  readonly args: ReadonlyArray<string>
  /** Added to this process's environment. */
  readonly environment?: Readonly<Record<string, string>>
  /** Whether the program gets this process's environment. Default `true`; if not, it gets `environment` alone. */
  readonly inheritEnvironment?: boolean
  /** The working directory. Default: that of this process. */
  readonly directory?: string
  /** What the program reads. It is pulled no faster than that. Default: nothing. */
  readonly stdin?: Stream.Stream<Uint8Array>
  /** How long the program may take to end when it is interrupted, before it is killed. Default 5 seconds. */
  readonly killAfter?: Duration.DurationInput
}

/** A line printed by a program, or, as the last element, how the program ended. */
export type HostCommandOutput =
  | { readonly _tag: "Line"; readonly stream: LogStream; readonly text: string }
  /** `exitCode` is missing when the program was killed or could not be started. `detail` completes "the program ...". */
  | { readonly _tag: "Exit"; readonly exitCode?: number; readonly detail: string }

/** Everything that a program printed, and how it ended. */
export interface HostCommandResult {
  readonly exitCode: number | undefined
  readonly detail: string
  readonly stdout: string
  readonly stderr: string
}

/** How many characters are held for a slow reader. With more, the program is not read, and waits. */
const bufferLimit = 64 * 1024

/**
 * How long the output is read after the program has exited, not counting the time in which a slow reader holds it back. All
 * that the program has written is in the pipes then, which takes no time to read. But a process that it left in the background
 * may have inherited them, and keeps them open for as long as it lives.
 */
const readAfterExit = { millis: 250, times: 4 }

const exitOf = (code: number | null, signal: NodeJS.Signals | null): HostCommandOutput =>
  code === null
    ? { _tag: "Exit", detail: `was killed by ${signal}` }
    : { _tag: "Exit", exitCode: code, detail: `exited with code ${code}` }

/** The output of a program, read no faster than it is pulled. */
class ProgramOutput {
  readonly #child: ChildProcess
  #outputs: Array<HostCommandOutput> = []
  #length = 0
  #hasEnded = false
  #ending: NodeJS.Timeout | undefined
  #wake = () => {}

  constructor(child: ChildProcess) {
    this.#child = child
    const readers = { stdout: new LineReader(), stderr: new LineReader() }
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream]?.on("data", (chunk: Buffer) => this.#addLines(stream, readers[stream].push(chunk)))
    }
    const end = (exit: HostCommandOutput) => {
      clearInterval(this.#ending)
      if (this.#hasEnded) return
      for (const stream of ["stdout", "stderr"] as const) this.#addLines(stream, readers[stream].end())
      this.#outputs.push(exit)
      this.#hasEnded = true
      this.#wake()
    }
    child.once("error", ({ message }) => end({ _tag: "Exit", detail: `could not be started (${message})` }))
    child.once("close", (code, signal) => end(exitOf(code, signal)))
    child.once("exit", (code, signal) => {
      let remaining = readAfterExit.times
      this.#ending = setInterval(() => {
        if (!this.#isHeldBack && --remaining === 0) end(exitOf(code, signal))
      }, readAfterExit.millis)
    })
  }

  /** Stops waiting for the end of the output. */
  close(): void {
    clearInterval(this.#ending)
    for (const pipe of [this.#child.stdin, this.#child.stdout, this.#child.stderr]) pipe?.destroy()
  }

  /** Whether a slow reader holds the output back. */
  get #isHeldBack(): boolean {
    return this.#length > bufferLimit
  }

  /** Whether the program has ended by itself, and its output with it or a little later. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Everything that has arrived since the previous pull. */
  readonly pull: Effect.Effect<Chunk.Chunk<HostCommandOutput>, Option.Option<never>> = Effect.suspend(() => {
    if (this.#outputs.length > 0) {
      const outputs = this.#outputs
      this.#outputs = []
      this.#length = 0
      for (const pipe of [this.#child.stdout, this.#child.stderr]) pipe?.resume()
      return Effect.succeed(Chunk.unsafeFromArray(outputs))
    }
    if (this.#hasEnded) return Effect.fail(Option.none())
    return Effect.async<Chunk.Chunk<HostCommandOutput>, Option.Option<never>>((resume) => {
      this.#wake = () => {
        this.#wake = () => {}
        resume(this.pull)
      }
      return Effect.sync(() => {
        this.#wake = () => {}
      })
    })
  })

  #addLines(stream: LogStream, lines: ReadonlyArray<string>): void {
    for (const text of lines) {
      this.#outputs.push({ _tag: "Line", stream, text })
      // An empty line is held as well.
      this.#length += text.length + 1
    }
    if (this.#isHeldBack) for (const pipe of [this.#child.stdout, this.#child.stderr]) pipe?.pause()
    if (lines.length > 0) this.#wake()
  }
}

/** Writes a program's input. A program need not read all of it. */
const writeInput = (pipe: Writable, input: Stream.Stream<Uint8Array>): Effect.Effect<void> => {
  const write = (bytes: Uint8Array) =>
    Effect.async<void, Error>((resume) => {
      pipe.write(bytes, (error) => resume(error ? Effect.fail(error) : Effect.void))
    })
  return Stream.runForEach(input, write).pipe(Effect.ignore, Effect.ensuring(Effect.sync(() => void pipe.end())))
}

/** Why a program was not even tried. Node's own message may have a variable's value in it. */
const refusal = (error: unknown): string => {
  const code = error instanceof Error && "code" in error ? error.code : undefined
  if (code === "E2BIG") return "could not be started (E2BIG: its arguments and variables are too long)"
  if (code === "ERR_INVALID_ARG_VALUE") return "could not be started (an argument or a variable has a null character)"
  return `could not be started (${error instanceof Error ? error.message : String(error)})`
}

/** Starts a program. Fails with why it was not even tried. Closing the scope ends it, with every process that it started. */
const start = ({
  args,
  directory,
  environment,
  inheritEnvironment = true,
  killAfter = "5 seconds",
  program,
  stdin
}: HostCommand): Effect.Effect<ProgramOutput, string, Scope.Scope> =>
  Effect.gen(function* () {
    const mark = runMark(yield* FiberRef.get(currentRun))
    const { child, output } = yield* Effect.acquireRelease(
      Effect.try({
        try: () => {
          const child = spawn(program, args, {
            env: { ...(inheritEnvironment ? process.env : {}), ...environment, ...mark },
            stdio: [stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
            // In a process group of its own, which can be ended as a whole.
            detached: process.platform !== "win32",
            ...(directory === undefined ? {} : { cwd: directory })
          })
          return { child, output: new ProgramOutput(child) }
        },
        catch: refusal
      }),
      ({ child, output }) =>
        // A program that ends by itself may leave others in the background, such as a service that it started.
        (output.hasEnded ? Effect.void : endProcessGroup(child, Duration.decode(killAfter))).pipe(
          // What is left in the pipes is not read, but would keep them open.
          Effect.ensuring(Effect.sync(() => output.close()))
        )
    )
    const pipe = child.stdin
    if (stdin !== undefined && pipe !== null) {
      pipe.on("error", () => {})
      yield* Effect.forkScoped(writeInput(pipe, stdin))
    }
    return output
  })

/**
 * Runs a program and emits its lines as they are printed, then its exit. Lines are read no faster than they are pulled, and
 * those of more than 1 Mi characters are cut. Processes that the program leaves in the background are not waited for.
 * Interrupting the stream sends SIGTERM to the program and to every process
 * that it started, SIGKILL to those that are left after `killAfter`, and waits for them to end.
 */
export const streamHostCommand = (command: HostCommand): Stream.Stream<HostCommandOutput> =>
  Stream.unwrapScoped(
    Effect.match(start(command), {
      onFailure: (detail) => Stream.make<[HostCommandOutput]>({ _tag: "Exit", detail }),
      onSuccess: ({ pull }) => Stream.repeatEffectChunkOption(pull)
    })
  )

/** How many characters of a program's output are collected. */
const collectLimit = 16 * 1024 * 1024

/** Collects the output of a program. Of each stream, what exceeds 16 Mi characters is dropped. */
export const collectHostCommand = <E, R>(
  outputs: Stream.Stream<HostCommandOutput, E, R>
): Effect.Effect<HostCommandResult, E, R> =>
  Effect.suspend(() => {
    const lines = { stdout: new Array<string>(), stderr: new Array<string>() }
    const lengths = { stdout: 0, stderr: 0 }
    let exit: Extract<HostCommandOutput, { readonly _tag: "Exit" }> | undefined
    const collect = (output: HostCommandOutput) => {
      if (output._tag === "Exit") exit = output
      else if ((lengths[output.stream] += output.text.length + 1) <= collectLimit)
        lines[output.stream].push(output.text)
    }
    return Effect.map(
      Stream.runForEach(outputs, (output) => Effect.sync(() => collect(output))),
      () => ({
        exitCode: exit?.exitCode,
        detail: exit?.detail ?? "",
        stdout: lines.stdout.join("\n"),
        stderr: lines.stderr.join("\n")
      })
    )
  })
