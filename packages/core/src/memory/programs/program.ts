import type * as Stream from "effect/Stream"
import type { LogStream } from "../../LogEvent.js"

/** What a program in the engine in memory does: it writes, and last it ends. */
export type ProgramStep =
  | { readonly _tag: "Output"; readonly stream: LogStream; readonly bytes: Uint8Array }
  | { readonly _tag: "Exit"; readonly exitCode: number }

const encoder = new TextEncoder()

/** The steps of a program. */
export const ProgramStep = {
  /** Writes a line. */
  line: (text: string, stream: LogStream = "stdout"): ProgramStep => ({
    _tag: "Output",
    stream,
    bytes: encoder.encode(`${text}\n`)
  }),
  /** Writes a piece as it is, with a newline or without. */
  piece: (bytes: Uint8Array | string, stream: LogStream = "stdout"): ProgramStep => ({
    _tag: "Output",
    stream,
    bytes: typeof bytes === "string" ? encoder.encode(bytes) : bytes
  }),
  /** Ends the program. */
  exit: (exitCode: number): ProgramStep => ({ _tag: "Exit", exitCode })
}

/** What a program is run with. */
export interface ProgramRun {
  /** As the container was asked for. */
  readonly image: string
  /** The entrypoint, the command and its arguments. */
  readonly command: ReadonlyArray<string>
  readonly environment: Readonly<Record<string, string>>
  readonly tty: boolean
  /** The content of a file in the container, as it is now; `undefined` where there is none. */
  readonly readFile: (path: string) => Uint8Array | undefined
  /** What is written to it; empty where no input was opened. */
  readonly stdin: Stream.Stream<Uint8Array>
}

/** What comes of signals: an exit code at once, or the last steps. */
export type ProgramSignals = Readonly<Record<string, number | ((run: ProgramRun) => Stream.Stream<ProgramStep>)>>

/** What a program has used since it was started. All but `memory` only ever grows. */
export interface ProgramUsage {
  /** Seconds of one processor. */
  readonly cpuSeconds: number
  /** Bytes that it has now. */
  readonly memory: number
  /** Bytes from and to the network. */
  readonly received: number
  readonly sent: number
  /** Bytes from and to disks. */
  readonly read: number
  readonly written: number
}

/**
 * What containers and commands in them run. The first program that matches is taken: its `image` is the container's, where
 * it names one, and its `command` is the beginning of the command's words (a text) or is found in them, joined by blanks
 * (a regular expression), where it has one. In a container that runs already, a command (exec) is only run by a program
 * that has a `command`. Where none matches, the few commands that are built in are there: `cat`, `echo`, `env`, `false`,
 * `seq`, `sh`, `sleep`, `true`.
 */
export interface MemoryProgram {
  /** `nginx`, `nginx:1.27`: without a tag it means `latest`. */
  readonly image?: string
  readonly command?: string | RegExp
  /** Ends with an exit step, or with code 0 where the stream just ends. */
  readonly run: (run: ProgramRun) => Stream.Stream<ProgramStep>
  /**
   * The signals that end it, and with which exit code; or what it then does instead, to its end. Default
   * `{ SIGTERM: 143, SIGINT: 130 }`. `SIGKILL` ends every program with 137; other signals do nothing.
   */
  readonly signals?: ProgramSignals
  /** What it has used after so many seconds. Default: a hundredth of a processor, 4 MiB, and nothing else. */
  readonly usage?: (seconds: number) => ProgramUsage
}
