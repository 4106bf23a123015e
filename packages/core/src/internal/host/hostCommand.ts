import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Mailbox from "effect/Mailbox"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type ChildProcess, spawn } from "node:child_process"
import type { Readable } from "node:stream"
import { StringDecoder } from "node:string_decoder"
import type { LogStream } from "../../LogEvent.js"

/** A program to run on this machine. Its arguments are passed as a vector: no shell interprets them. */
export interface HostCommand {
  readonly program: string
  readonly args: ReadonlyArray<string>
  /** Added to this process's environment. */
  readonly environment?: Readonly<Record<string, string>>
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

/** Calls `onLine` for each line of a pipe. The returned function emits a last line that has no newline. */
const readLines = (pipe: Readable, onLine: (text: string) => void): (() => void) => {
  const decoder = new StringDecoder("utf8")
  let partial = ""
  pipe.on("data", (chunk: Buffer) => {
    const lines = (partial + decoder.write(chunk)).split(/\r?\n/)
    partial = lines.pop() ?? ""
    for (const line of lines) onLine(line)
  })
  return () => {
    const last = partial + decoder.end()
    if (last !== "") onLine(last)
  }
}

const exitOf = (code: number | null, signal: NodeJS.Signals | null): HostCommandOutput =>
  code === null
    ? { _tag: "Exit", detail: `was killed by ${signal}` }
    : { _tag: "Exit", exitCode: code, detail: `exited with code ${code}` }

/** Starts a program that writes to `output`. Closing the scope stops it. */
const start = (
  { args, environment, program }: HostCommand,
  output: Mailbox.Mailbox<HostCommandOutput>
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(program, args, {
        env: { ...process.env, ...environment },
        stdio: ["ignore", "pipe", "pipe"]
      })
      const emitRest = (["stdout", "stderr"] as const).map((stream) =>
        readLines(child[stream], (text) => void output.unsafeOffer({ _tag: "Line", stream, text }))
      )
      const ended = new Promise<void>((resolve) => {
        const end = (exit: HostCommandOutput) => {
          for (const emit of emitRest) emit()
          output.unsafeOffer(exit)
          output.unsafeDone(Exit.void)
          resolve()
        }
        child.once("error", ({ message }) => end({ _tag: "Exit", detail: `could not be started (${message})` }))
        child.once("close", (code, signal) => end(exitOf(code, signal)))
      })
      return { child, ended }
    }),
    ({ child, ended }) => stop(child, ended)
  )

/** Sends SIGTERM and waits up to 20 seconds for the program to end. */
const stop = (child: ChildProcess, ended: Promise<void>): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) child.kill("SIGTERM")
    return Effect.promise(() => ended)
  }).pipe(Effect.timeoutOption("20 seconds"), Effect.asVoid)

/**
 * Runs a program and emits its lines as they are printed, then its exit. Interrupting the stream sends SIGTERM to the
 * program and waits for it to end.
 */
export const streamHostCommand = (command: HostCommand): Stream.Stream<HostCommandOutput> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const output = yield* Mailbox.make<HostCommandOutput>()
      yield* start(command, output)
      return Mailbox.toStream(output)
    })
  )

/** Collects the output of a program. */
export const collectHostCommand = <E, R>(
  outputs: Stream.Stream<HostCommandOutput, E, R>
): Effect.Effect<HostCommandResult, E, R> =>
  Effect.map(Stream.runCollect(outputs), (collected) => {
    const all = Chunk.toReadonlyArray(collected)
    const text = (stream: LogStream) =>
      all.flatMap((output) => (output._tag === "Line" && output.stream === stream ? [output.text] : [])).join("\n")
    const exit = all.findLast((output) => output._tag === "Exit")
    return { exitCode: exit?.exitCode, detail: exit?.detail ?? "", stdout: text("stdout"), stderr: text("stderr") }
  })
