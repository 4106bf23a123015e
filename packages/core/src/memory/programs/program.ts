import type * as Stream from "effect/Stream"
import type { LogStream } from "../../LogEvent.js"

/**
 * One step of a scripted program: it writes output, or exits.
 *
 * @since 0.1.0
 * @category models
 */
export type ProgramStep =
  | { readonly _tag: "Output"; readonly stream: LogStream; readonly bytes: Uint8Array }
  | { readonly _tag: "Exit"; readonly exitCode: number }

const encoder = new TextEncoder()

/**
 * Constructors of program steps.
 *
 * @since 0.1.0
 * @category constructors
 */
export const ProgramStep = {
  /** Writes `text` and a newline. */
  line: (text: string, stream: LogStream = "stdout"): ProgramStep => ({
    _tag: "Output",
    stream,
    bytes: encoder.encode(`${text}\n`)
  }),
  /** Writes bytes or text as they are, without adding a newline. */
  output: (bytes: Uint8Array | string, stream: LogStream = "stdout"): ProgramStep => ({
    _tag: "Output",
    stream,
    bytes: typeof bytes === "string" ? encoder.encode(bytes) : bytes
  }),
  /** Ends the program. */
  exit: (exitCode: number): ProgramStep => ({ _tag: "Exit", exitCode })
}

/**
 * The process environment that a program runs in.
 *
 * @since 0.1.0
 * @category models
 */
export interface ProgramRun {
  /** The image as named when the container was created. */
  readonly image: string
  /** Entrypoint and command with their arguments. */
  readonly command: ReadonlyArray<string>
  readonly environment: Readonly<Record<string, string>>
  readonly tty: boolean
  /** Reads the current content of a file in the container; `undefined` if there is no such file. */
  readonly readFile: (path: string) => Uint8Array | undefined
  /** Standard input; empty unless the container or command was created with stdin open. */
  readonly stdin: Stream.Stream<Uint8Array>
}

/**
 * How a program reacts to signals: it exits at once with the given code, or replaces its remaining steps with new ones.
 *
 * @since 0.1.0
 * @category models
 */
export type ProgramSignals = Readonly<Record<string, number | ((run: ProgramRun) => Stream.Stream<ProgramStep>)>>

/**
 * The resources a program has used since it started. All values but `memory` must never decrease.
 *
 * @since 0.1.0
 * @category models
 */
export interface ProgramUsage {
  /** CPU time, in seconds on one core. */
  readonly cpuSeconds: number
  /** Bytes in use now. */
  readonly memory: number
  /** Bytes received from the network. */
  readonly received: number
  /** Bytes sent to the network. */
  readonly sent: number
  /** Bytes read from disk. */
  readonly read: number
  /** Bytes written to disk. */
  readonly written: number
}

/**
 * A scripted program, run by containers and by commands in them (exec).
 *
 * The first program that matches both the image and the command is used. An exec only runs programs with a `command`. When
 * none matches, a few built-in commands are available: `cat`, `echo`, `env`, `false`, `seq`, `sh`, `sleep` and `true`.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemoryProgram {
  /** The image to match, such as `nginx` or `nginx:1.27`; the tag defaults to `latest`. Any image if omitted. */
  readonly image?: string
  /**
   * The command to match, against its words joined by spaces: a string matches its first words, a regular expression any
   * part. Any command if omitted.
   */
  readonly command?: string | RegExp
  /** The steps of the program. It exits with code 0 if the stream ends without an exit step. */
  readonly run: (run: ProgramRun) => Stream.Stream<ProgramStep>
  /**
   * Default: `{ SIGTERM: 143, SIGINT: 130 }`. `SIGKILL` always ends the program with code 137; signals not listed are
   * ignored.
   */
  readonly signals?: ProgramSignals
  /** Its usage after the given number of seconds. Default: 1% of a CPU, 4 MiB of memory, and no I/O. */
  readonly usage?: (seconds: number) => ProgramUsage
}
