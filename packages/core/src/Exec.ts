/**
 * Commands in running containers, and connections to their main processes.
 *
 * @since 0.1.0
 */
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { constants } from "node:buffer"
import { Docker, type DockerDuplex, type DockerRequest, type DockerShape } from "./Docker.js"
import {
  type ContainerNotFound,
  type ContainerStateConflict,
  type DockerFailure,
  EngineError,
  EngineUnavailable,
  ExecFailed
} from "./DockerError.js"
import { type Attachment, type AttachOptions, attachTo } from "./internal/exec/attach.js"
import { type ExecCommand, parseCommand } from "./internal/exec/execCommand.js"
import {
  awaitExitCode,
  createExec,
  type ExecSettings,
  hasStarted,
  startExec,
  startRequest
} from "./internal/exec/execInstance.js"
import { inputBytes, unusedDetachKeys } from "./internal/exec/input.js"
import { demultiplex, demultiplexer, OutputPiece } from "./internal/logs/demultiplex.js"
import type { LogStream } from "./LogEvent.js"

export type { Attachment, AttachOptions } from "./internal/exec/attach.js"
export type { ExecCommand } from "./internal/exec/execCommand.js"
export { OutputPiece } from "./internal/logs/demultiplex.js"

/**
 * How to run a command.
 *
 * @since 0.1.0
 * @category models
 */
export interface ExecOptions<E = never, R = never> extends ExecSettings {
  /** The command's standard input, which is closed at the end of the stream. Without it, the command has no input. */
  readonly stdin?: Stream.Stream<Uint8Array | string, E, R>
}

/**
 * How to run a command on a terminal.
 *
 * @since 0.1.0
 * @category models
 */
export interface TerminalOptions extends ExecSettings {
  /** Default 24. */
  readonly rows?: number
  /** Default 80. */
  readonly columns?: number
}

/**
 * The output of a command, and how it exited.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ExecResult = Schema.Struct({
  exitCode: Schema.Number,
  stdout: Schema.String.annotations({ description: "Decoded as UTF-8" }),
  stderr: Schema.String.annotations({ description: "Decoded as UTF-8" })
}).annotations({ identifier: "ExecResult", description: "The output of a command, and how it exited" })

/**
 * @since 0.1.0
 * @category models
 */
export type ExecResult = typeof ExecResult.Type

/**
 * The last element of a command's output.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ExecExit = Schema.TaggedStruct("Exit", { exitCode: Schema.Number }).annotations({
  identifier: "ExecExit",
  description: "The last element of a command's output"
})

/**
 * @since 0.1.0
 * @category models
 */
export type ExecExit = typeof ExecExit.Type

/**
 * A piece of a command's output, or its exit.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ExecOutput = Schema.Union(OutputPiece, ExecExit).annotations({
  identifier: "ExecOutput",
  description: "A piece of a command's output, or its exit"
})

/**
 * @since 0.1.0
 * @category models
 */
export type ExecOutput = typeof ExecOutput.Type

/**
 * A command that runs on a terminal.
 *
 * @since 0.1.0
 * @category models
 */
export interface Terminal {
  /** What the command prints to stdout and stderr. Ends when the command exits. */
  readonly output: Stream.Stream<Uint8Array, DockerFailure>
  readonly write: (input: Uint8Array | string) => Effect.Effect<void, DockerFailure>
  readonly resize: (size: { readonly rows: number; readonly columns: number }) => Effect.Effect<void, DockerFailure>
  /** Waits for the command to exit. */
  readonly exitCode: Effect.Effect<number, DockerFailure>
}

/**
 * What running a command can fail with.
 *
 * @since 0.1.0
 * @category errors
 */
export type ExecError = ContainerNotFound | ContainerStateConflict | ExecFailed | DockerFailure

/** A command that has been started. */
interface StartedCommand<E, R> {
  /** The request that started it, for errors about its output. */
  readonly request: DockerRequest
  readonly output: DockerDuplex["output"]
  /** Sends the whole input. `undefined` if there is none. */
  readonly sendInput: Effect.Effect<void, E, R> | undefined
  /** Checks the first piece of output: see `startFailure`. */
  readonly checkStart: (first: Uint8Array) => Effect.Effect<void, DockerFailure | ExecFailed>
  /** Waits for the exit, once the output has ended. */
  readonly exitCode: Effect.Effect<number, DockerFailure>
}

/** The engine reports that it could not start a command as the first output of that command. */
const startFailure =
  /^(OCI runtime exec failed|(Error: )?(runc|crun): |exec failed|unable to start container process|.*executable file not found)/

/** Starts a command. */
const start = <E, R>(docker: DockerShape, id: string, command: ExecCommand, options: ExecOptions<E, R>) =>
  Effect.gen(function* () {
    const args = yield* parseCommand(id, command)
    const { stdin } = options
    const execId = yield* createExec(docker, id, args, options, {
      AttachStdin: stdin !== undefined,
      AttachStdout: true,
      AttachStderr: true,
      Tty: false
    })
    const request = startRequest(execId, false)
    const duplex = yield* startExec(docker, id, request)
    const started: StartedCommand<E, R> = {
      request,
      output: duplex.output,
      sendInput: stdin?.pipe(
        // A command may exit before it has read all of its input, which is no error: its exit code is reported.
        Stream.runForEach((input) => Effect.ignore(duplex.write(inputBytes(input)))),
        Effect.andThen(duplex.end)
      ),
      checkStart: (first) => {
        const detail = Buffer.from(first).toString("utf8").trim()
        if (!startFailure.test(detail)) return Effect.void
        return Effect.filterOrFail(
          hasStarted(docker, execId),
          (started) => started,
          () => new ExecFailed({ containerId: id, command: args, detail })
        )
      },
      exitCode: awaitExitCode(docker, execId).pipe(
        // The engine keeps the connection open while the command runs. If it ends much earlier, it was cut.
        Effect.timeoutFail({
          duration: "10 seconds",
          onTimeout: () =>
            new EngineUnavailable({
              endpoint: docker.endpoint,
              reason: "Lost",
              detail: "the connection was closed while the command was running"
            })
        })
      )
    }
    return started
  })

const streamOutput = <E, R>(
  docker: DockerShape,
  { checkStart, exitCode, output, request, sendInput }: StartedCommand<E, R>
): Stream.Stream<ExecOutput, EngineError | EngineUnavailable | ExecFailed | E, R> => {
  let isFirst = true
  const pieces = Stream.mapChunksEffect(demultiplex(output, request, docker.endpoint), (pieces) => {
    const head = Option.getOrUndefined(Chunk.head(pieces))
    if (!isFirst || head === undefined) return Effect.succeed(pieces)
    isFirst = false
    return Effect.as(checkStart(head.bytes), pieces)
  })
  const exit = Effect.map(exitCode, (exitCode): ExecOutput => ({ _tag: "Exit", exitCode }))
  const all = Stream.concat(pieces, Stream.fromEffect(exit))
  return sendInput === undefined ? all : Stream.mergeLeft(all, Stream.drain(Stream.fromEffect(sendInput)))
}

const outputTooLong = ({ method, path }: DockerRequest) =>
  new EngineError({
    request: `${method} ${path}`,
    status: 101,
    detail: `the output of the command exceeds ${constants.MAX_STRING_LENGTH} bytes, the longest string of Node.js. Read it with Exec.stream`
  })

/** Collects the output. Does without `streamOutput`, whose operators would cost a short command more than all the rest. */
const collectOutput = <E, R>(
  docker: DockerShape,
  { checkStart, exitCode, output, request, sendInput }: StartedCommand<E, R>
) =>
  Effect.gen(function* () {
    const pieces: Array<OutputPiece> = []
    const sizes = { stdout: 0, stderr: 0 }
    const { end, take } = demultiplexer(request, docker.endpoint)
    const readToEnd = Stream.runForEach(output, (chunk) =>
      Effect.flatMap(take(chunk), (taken) => {
        for (const piece of taken) {
          pieces.push(piece)
          sizes[piece.stream] += piece.bytes.length
        }
        return Math.max(sizes.stdout, sizes.stderr) <= constants.MAX_STRING_LENGTH
          ? Effect.void
          : outputTooLong(request)
      })
    ).pipe(
      Effect.andThen(end),
      Effect.andThen(Effect.suspend(() => (pieces[0] === undefined ? Effect.void : checkStart(pieces[0].bytes)))),
      Effect.andThen(exitCode)
    )
    // A failure of the input fails the command, but the command's exit does not wait for the input.
    const result =
      sendInput === undefined
        ? yield* readToEnd
        : yield* Effect.raceFirst(readToEnd, Effect.zipRight(sendInput, Effect.never))
    const text = (name: LogStream) =>
      Buffer.concat(pieces.flatMap(({ bytes, stream }) => (stream === name ? [bytes] : []))).toString("utf8")
    return { exitCode: result, stdout: text("stdout"), stderr: text("stderr") } satisfies ExecResult
  })

const openTerminal = (docker: DockerShape, id: string, command: ExecCommand, options: TerminalOptions) =>
  Effect.gen(function* () {
    const args = yield* parseCommand(id, command)
    const execId = yield* createExec(docker, id, args, options, {
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: true,
      DetachKeys: unusedDetachKeys(),
      ConsoleSize: [options.rows ?? 24, options.columns ?? 80]
    })
    const duplex = yield* startExec(docker, id, startRequest(execId, true))
    const terminal: Terminal = {
      output: duplex.output,
      write: (input) => duplex.write(inputBytes(input)),
      resize: ({ columns, rows }) =>
        Effect.asVoid(docker.json({ method: "POST", path: `/exec/${execId}/resize`, query: { h: rows, w: columns } })),
      exitCode: awaitExitCode(docker, execId)
    }
    return terminal
  })

const make = Effect.map(Docker, (docker): ExecShape => ({
  run: Effect.fn("Exec.run")(
    <E = never, R = never>(id: string, command: ExecCommand, options: ExecOptions<E, R> = {}) =>
      Effect.scoped(Effect.flatMap(start(docker, id, command, options), (started) => collectOutput(docker, started)))
  ),
  stream: <E = never, R = never>(id: string, command: ExecCommand, options: ExecOptions<E, R> = {}) =>
    Stream.unwrapScoped(Effect.map(start(docker, id, command, options), (started) => streamOutput(docker, started))),
  terminal: Effect.fn("Exec.terminal")((id: string, command: ExecCommand, options: TerminalOptions = {}) =>
    openTerminal(docker, id, command, options)
  ),
  attach: Effect.fn("Exec.attach")((id: string, options: AttachOptions = {}) => attachTo(docker, id, options))
}))

/**
 * The service `Exec`.
 *
 * @since 0.1.0
 * @category services
 */
export interface ExecShape {
  /**
   * Runs a command in a running container, and collects its output. Fails with `ExecFailed` if the command cannot be
   * started, and with `EngineUnavailable`, reason `Lost`, if the connection breaks before it exits. Interrupting the effect
   * closes the connection; the Engine API has no way to stop the command. Output of more than 512 MiB does not fit in a
   * string and is an `EngineError`: read it with `stream`.
   * `POST /containers/{id}/exec`, `POST /exec/{id}/start`
   */
  readonly run: <E = never, R = never>(
    id: string,
    command: ExecCommand,
    options?: ExecOptions<E, R>
  ) => Effect.Effect<ExecResult, ExecError | E, R>
  /** As `run`, but emits the output as it arrives, and then the exit. */
  readonly stream: <E = never, R = never>(
    id: string,
    command: ExecCommand,
    options?: ExecOptions<E, R>
  ) => Stream.Stream<ExecOutput, ExecError | E, R>
  /** Runs a command on a terminal, for interactive use. Closing the scope closes the connection. */
  readonly terminal: (
    id: string,
    command: ExecCommand,
    options?: TerminalOptions
  ) => Effect.Effect<Terminal, ExecError, Scope.Scope>
  /**
   * Attaches to the main process of a container: reads its output and writes to its input. Attaching to a container that
   * has not been started yet misses none of its output. Closing the scope closes the connection.
   * `POST /containers/{id}/attach`
   */
  readonly attach: (
    id: string,
    options?: AttachOptions
  ) => Effect.Effect<Attachment, ContainerNotFound | ContainerStateConflict | DockerFailure, Scope.Scope>
}

/**
 * Runs commands in containers, and attaches to their main processes.
 *
 * @example
 * ```ts
 * import { Docker, Exec } from "@dockwire/core"
 * import { Effect, Layer, Stream } from "effect"
 *
 * const program = Effect.gen(function* () {
 *   const exec = yield* Exec
 *   const { exitCode, stdout } = yield* exec.run("web", "wc -c", { stdin: Stream.make("twelve bytes") })
 *   return { exitCode, counted: stdout.trim() }
 * })
 *
 * const live = Exec.layer.pipe(Layer.provide(Docker.layerConfig))
 * console.log(await Effect.runPromise(program.pipe(Effect.provide(live))))
 * ```
 *
 * @since 0.1.0
 * @category tags
 */
export class Exec extends Context.Tag("@dockwire/core/Exec")<Exec, ExecShape>() {
  /**
   * @since 0.1.0
   * @category layers
   */
  static readonly layer: Layer.Layer<Exec, never, Docker> = Layer.effect(Exec, make)
}
