import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Mailbox from "effect/Mailbox"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import { StringDecoder } from "node:string_decoder"
import type { LogStream } from "../../LogEvent.js"

/** A program of this machine and its arguments. They go to it as they are: no shell sees them. */
export interface HostCommand {
  readonly program: string
  readonly args: ReadonlyArray<string>
  /** Over those of this process. */
  readonly environment?: Readonly<Record<string, string>>
}

/** What a program gives: its lines, and last how it ended. */
export type HostCommandOutput =
  | { readonly _tag: "Line"; readonly stream: LogStream; readonly text: string }
  /** `exitCode` is missing where it was killed, or could not be started; `detail` says which. */
  | { readonly _tag: "Exit"; readonly exitCode?: number; readonly detail: string }

/** Runs a program and gives its lines as they come. Interrupting it ends the program by SIGTERM, and waits for that. */
export const hostCommand = ({ args, environment, program }: HostCommand): Stream.Stream<HostCommandOutput> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const output = yield* Mailbox.make<HostCommandOutput>()
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          const child = spawn(program, args, {
            env: { ...process.env, ...environment },
            stdio: ["ignore", "pipe", "pipe"]
          })
          const finish: Array<() => void> = []
          for (const stream of ["stdout", "stderr"] as const) {
            const decoder = new StringDecoder("utf8")
            let rest = ""
            const give = (text: string) => void output.unsafeOffer({ _tag: "Line", stream, text })
            child[stream].on("data", (chunk: Buffer) => {
              const lines = (rest + decoder.write(chunk)).split(/\r?\n/)
              rest = lines.pop() ?? ""
              for (const line of lines) give(line)
            })
            finish.push(() => {
              const last = rest + decoder.end()
              if (last !== "") give(last)
            })
          }
          const over = new Promise<void>((resolve) => {
            const end = (exit: HostCommandOutput) => {
              for (const last of finish) last()
              output.unsafeOffer(exit)
              output.unsafeDone(Exit.void)
              resolve()
            }
            child.once("error", ({ message }) => end({ _tag: "Exit", detail: message }))
            child.once("close", (code, signal) =>
              end({
                _tag: "Exit",
                ...(code === null ? {} : { exitCode: code }),
                detail: code === null ? `it was ended by ${signal}` : `it ended with ${code}`
              })
            )
          })
          return { child, over }
        }),
        ({ child, over }) =>
          Effect.suspend(() => {
            if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) child.kill("SIGTERM")
            return Effect.promise(() => over)
          }).pipe(Effect.timeoutOption("20 seconds"))
      )
      return Mailbox.toStream(output)
    })
  )

/** Runs a program to its end; gives all that it said. */
export const runHostCommand = (command: HostCommand) =>
  Effect.map(Stream.runCollect(hostCommand(command)), (outputs) => {
    const all = Chunk.toReadonlyArray(outputs)
    const text = (stream: LogStream) =>
      all.flatMap((output) => (output._tag === "Line" && output.stream === stream ? [output.text] : [])).join("\n")
    const exit = all.findLast((output) => output._tag === "Exit")
    return { exitCode: exit?.exitCode, detail: exit?.detail ?? "", stdout: text("stdout"), stderr: text("stderr") }
  })
