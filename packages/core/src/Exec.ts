import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { constants } from "node:buffer"
import { randomBytes } from "node:crypto"
import { split } from "shlex"
import { Docker, type DockerRequest } from "./Docker.js"
import {
  type ContainerNotFound,
  ContainerStateConflict,
  type DockerFailure,
  EngineError,
  EngineUnavailable,
  ExecFailed,
  InvalidRequest
} from "./DockerError.js"
import { decodeAnswer, nullable } from "./internal/api/decode.js"
import { containerNotFound, mapEngineError, stateConflict } from "./internal/api/errorRules.js"
import { containerPath } from "./internal/api/names.js"
import { EngineContainerState } from "./internal/api/containerState.js"
import { demultiplex, demultiplexer, type OutputPiece } from "./internal/logs/demultiplex.js"
import type { LogStream } from "./LogEvent.js"

export type { OutputPiece } from "./internal/logs/demultiplex.js"

/** A command: its arguments, or a text of shell words, whose quotes are honoured and which no shell sees. */
export type ExecCommand = ReadonlyArray<string> | string

/** How a command runs. */
export interface ExecOptions<E = never, R = never> {
  readonly environment?: Readonly<Record<string, string>>
  /** `name`, `uid`, `name:group` or `uid:gid`. */
  readonly user?: string
  /** Absolute. */
  readonly workingDirectory?: string
  readonly privileged?: boolean
  /** What the command reads; its end is the end of its input. Nothing when not given. */
  readonly stdin?: Stream.Stream<Uint8Array | string, E, R>
}

/** How a command on a terminal runs. */
export interface TerminalOptions extends Omit<ExecOptions, "stdin"> {
  /** Default 24. */
  readonly rows?: number
  /** Default 80. */
  readonly columns?: number
}

/** How a command ended. */
export interface ExecResult {
  readonly exitCode: number
  /** Decoded as UTF-8. */
  readonly stdout: string
  readonly stderr: string
}

/** What a running command gives: pieces of its output, and last how it ended. */
export type ExecOutput = OutputPiece | { readonly _tag: "Exit"; readonly exitCode: number }

/** A command on a terminal. */
export interface Terminal {
  /** What it prints, both streams in one; ends with the command. */
  readonly output: Stream.Stream<Uint8Array, DockerFailure>
  readonly write: (input: Uint8Array | string) => Effect.Effect<void, DockerFailure>
  readonly resize: (size: { readonly rows: number; readonly columns: number }) => Effect.Effect<void, DockerFailure>
  /** How it ended; waits for that. */
  readonly exitCode: Effect.Effect<number, DockerFailure>
}

/** How to attach. */
export interface AttachOptions {
  /** Begins with what the container's log has so far. Default false. */
  readonly replay?: boolean
}

/** The standard streams of a container's own process. */
export interface Attached {
  /** Whether the container has a terminal: then both outputs come in one, as stdout. */
  readonly tty: boolean
  /** What it prints from now on; ends with its run. */
  readonly output: Stream.Stream<OutputPiece, DockerFailure>
  /** Fails with `InvalidRequest` where the container was made without an open standard input. */
  readonly write: (input: Uint8Array | string) => Effect.Effect<void, InvalidRequest | DockerFailure>
  /**
   * Says that no more is written; output goes on. The process sees the end of its input where the container was made with
   * `StdinOnce`; else its input stays open for whoever attaches next.
   */
  readonly end: Effect.Effect<void>
  /** Of its terminal; nothing without one. */
  readonly resize: (size: {
    readonly rows: number
    readonly columns: number
  }) => Effect.Effect<void, ContainerNotFound | ContainerStateConflict | DockerFailure>
}

/** What can keep a command from running. */
export type ExecError = ContainerNotFound | ContainerStateConflict | ExecFailed | DockerFailure

const decodeCreated = decodeAnswer(Schema.Struct({ Id: Schema.String }))
const decodeInspected = decodeAnswer(
  Schema.Struct({ Running: Schema.Boolean, ExitCode: nullable(Schema.Number), Pid: nullable(Schema.Number) })
)

const decodeContainer = decodeAnswer(
  Schema.Struct({
    Id: Schema.String,
    Config: Schema.Struct({ Tty: Schema.optional(Schema.Boolean), OpenStdin: Schema.optional(Schema.Boolean) }),
    State: Schema.Struct({ Status: EngineContainerState, StartedAt: Schema.String })
  })
)

const words = (containerId: string, command: ExecCommand): Effect.Effect<ReadonlyArray<string>, ExecFailed> => {
  const failed = (detail: string) =>
    new ExecFailed({ containerId, command: typeof command === "string" ? [command] : command, detail })
  const parsed =
    typeof command === "string"
      ? Effect.try({ try: () => split(command), catch: (error) => failed(`nothing was asked: ${String(error)}`) })
      : Effect.succeed(command)
  return Effect.filterOrFail(
    parsed,
    (argv) => argv.length > 0 && argv[0] !== "",
    () => failed("nothing was asked: give the command's name and its arguments")
  )
}

/** Output that no text can hold: the command's doing, so not a defect. */
const tooLong = ({ method, path }: DockerRequest) =>
  new EngineError({
    request: `${method} ${path}`,
    status: 101,
    detail: `the command prints more than the ${constants.MAX_STRING_LENGTH} bytes that a text can hold; take it with "stream"`
  })

const encoder = new TextEncoder()
const bytesOf = (input: Uint8Array | string): Uint8Array => (typeof input === "string" ? encoder.encode(input) : input)

/** How the engine says, as output of the command, that there was none. */
const startFailure =
  /^(OCI runtime exec failed|(Error: )?(runc|crun): |exec failed|unable to start container process|.*executable file not found)/

/** Keys that nobody types: on a terminal the engine would else take ctrl-p ctrl-q for itself, and hold every ctrl-p back. */
const unlikelyKeys = (): string =>
  ["ctrl-@", ...Array.from(randomBytes(12), (byte) => String.fromCharCode(97 + (byte % 26)))].join(",")

const make = Effect.gen(function* () {
  const docker = yield* Docker

  const create = (id: string, argv: ReadonlyArray<string>, body: Record<string, unknown>) =>
    Effect.gen(function* () {
      const request = { method: "POST", path: yield* containerPath(id, "/exec"), body: { ...body, Cmd: argv } } as const
      const answer = yield* docker.json(request)
      return (yield* decodeCreated(request, answer.status, answer.body)).Id
    }).pipe(mapEngineError((error) => containerNotFound(id, error) ?? stateConflict(id, error)))

  const settings = ({ environment, privileged, user, workingDirectory }: Omit<ExecOptions, "stdin">) => ({
    Env: environment === undefined ? undefined : Object.entries(environment).map(([key, value]) => `${key}=${value}`),
    User: user,
    WorkingDir: workingDirectory,
    Privileged: privileged
  })

  const startRequest = (execId: string, tty: boolean) =>
    ({
      method: "POST",
      path: `/exec/${execId}/start`,
      body: { Detach: false, Tty: tty },
      timeout: "60 seconds"
    }) as const

  const inspect = (execId: string) =>
    Effect.gen(function* () {
      const request = { method: "GET", path: `/exec/${execId}/json` } as const
      const { body, status } = yield* docker.json(request)
      return yield* decodeInspected(request, status, body)
    })

  /** Asks for the state of a command until that tells what is to be known. */
  const told = <A>(
    execId: string,
    know: (state: Effect.Effect.Success<ReturnType<typeof inspect>>) => A | undefined,
    wait = 5
  ): Effect.Effect<A, DockerFailure> =>
    Effect.flatMap(inspect(execId), (state) => {
      const known = know(state)
      return known !== undefined
        ? Effect.succeed(known)
        : Effect.delay(
            Effect.suspend(() => told(execId, know, Math.min(200, wait * 2))),
            Duration.millis(wait)
          )
    })

  /** The end of the output is the end of the connection; only the engine's own word tells that the command ended. */
  const exitCodeOf = (execId: string) =>
    told(execId, ({ ExitCode, Running }) => (Running ? undefined : (ExitCode ?? undefined)))

  /** Whether the engine could start the command: it has a process then, or had one. Not to wait for its end. */
  const hasStarted = (execId: string) =>
    told(execId, ({ ExitCode, Pid, Running }) =>
      (Pid ?? 0) !== 0 ? true : Running || ExitCode == null ? undefined : false
    )

  /** Starts a command, with its input already on the way: `feed` ends with that. */
  const begin = <E = never, R = never>(id: string, command: ExecCommand, options: ExecOptions<E, R>) =>
    Effect.gen(function* () {
      const argv = yield* words(id, command)
      const { stdin } = options
      const execId = yield* create(id, argv, {
        ...settings(options),
        AttachStdin: stdin !== undefined,
        AttachStdout: true,
        AttachStderr: true,
        Tty: false
      })
      const request = startRequest(execId, false)
      const duplex = yield* docker
        .hijack(request)
        .pipe(mapEngineError((error) => containerNotFound(id, error) ?? stateConflict(id, error)))
      const feed =
        stdin === undefined
          ? undefined
          : stdin.pipe(
              // A command need not read all that it is given; that it is gone is told by its exit.
              Stream.runForEach((input) => Effect.ignore(duplex.write(bytesOf(input)))),
              Effect.andThen(duplex.end)
            )
      /** The engine says as output of the command, and first, that there was none: it must not be taken for the command's own. */
      const refuseStartFailure = (first: Uint8Array): Effect.Effect<void, DockerFailure | ExecFailed> => {
        const detail = Buffer.from(first).toString("utf8").trim()
        if (!startFailure.test(detail)) return Effect.void
        return Effect.flatMap(hasStarted(execId), (started) =>
          started ? Effect.void : Effect.fail(new ExecFailed({ containerId: id, command: argv, detail }))
        )
      }
      const exit = exitCodeOf(execId).pipe(
        // The engine holds the connection as long as the command runs: one that ends much before it was cut.
        Effect.timeoutFail({
          duration: "10 seconds",
          onTimeout: () =>
            new EngineUnavailable({
              endpoint: docker.endpoint,
              reason: "Lost",
              detail: "the connection ended, and the command runs on"
            })
        })
      )
      return { exit, feed, output: duplex.output, refuseStartFailure, request }
    })

  const stream = <E = never, R = never>(
    id: string,
    command: ExecCommand,
    options: ExecOptions<E, R> = {}
  ): Stream.Stream<ExecOutput, ExecError | E, R> =>
    Stream.unwrapScoped(
      Effect.map(begin(id, command, options), ({ exit, feed, output, refuseStartFailure, request }) => {
        let first = true
        const pieces = Stream.mapChunksEffect(demultiplex(output, request, docker.endpoint), (pieces) => {
          const head = Option.getOrUndefined(Chunk.head(pieces))
          if (!first || head === undefined) return Effect.succeed(pieces)
          first = false
          return Effect.as(refuseStartFailure(head.bytes), pieces)
        })
        const last = Effect.map(exit, (exitCode): ExecOutput => ({ _tag: "Exit", exitCode }))
        const all = Stream.concat(pieces, Stream.fromEffect(last))
        return feed === undefined ? all : Stream.mergeLeft(all, Stream.drain(Stream.fromEffect(feed)))
      })
    )

  // Not by `stream`: for a short command, its operators would take more than all the rest.
  const collect = <E = never, R = never>(id: string, command: ExecCommand, options: ExecOptions<E, R>) =>
    Effect.gen(function* () {
      const { exit, feed, output, refuseStartFailure, request } = yield* begin(id, command, options)
      const pieces: Array<OutputPiece> = []
      const sizes = { stdout: 0, stderr: 0 }
      const { end, take } = demultiplexer(request, docker.endpoint)
      const toItsEnd = Stream.runForEach(output, (chunk) =>
        Effect.flatMap(take(chunk), (some) => {
          for (const piece of some) {
            pieces.push(piece)
            sizes[piece.stream] += piece.bytes.length
          }
          return Math.max(sizes.stdout, sizes.stderr) <= constants.MAX_STRING_LENGTH ? Effect.void : tooLong(request)
        })
      ).pipe(
        Effect.andThen(end),
        Effect.andThen(
          Effect.suspend(() => (pieces[0] === undefined ? Effect.void : refuseStartFailure(pieces[0].bytes)))
        ),
        Effect.andThen(exit)
      )
      // What gives the input may fail; where it is slow, the end of the command doesn't wait for it.
      const exitCode = yield* feed === undefined
        ? toItsEnd
        : Effect.raceFirst(toItsEnd, Effect.zipRight(feed, Effect.never))
      const text = (name: LogStream) =>
        Buffer.concat(pieces.flatMap(({ bytes, stream }) => (stream === name ? [bytes] : []))).toString("utf8")
      const result: ExecResult = { exitCode, stdout: text("stdout"), stderr: text("stderr") }
      return result
    })

  const run = Effect.fn("Exec.run")(
    <E = never, R = never>(id: string, command: ExecCommand, options: ExecOptions<E, R> = {}) =>
      Effect.scoped(collect(id, command, options))
  )

  const terminal = Effect.fn("Exec.terminal")(function* (
    id: string,
    command: ExecCommand,
    options: TerminalOptions = {}
  ) {
    const argv = yield* words(id, command)
    const size = { rows: options.rows ?? 24, columns: options.columns ?? 80 }
    const execId = yield* create(id, argv, {
      ...settings(options),
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: true,
      DetachKeys: unlikelyKeys(),
      ConsoleSize: [size.rows, size.columns]
    })
    const duplex = yield* docker
      .hijack(startRequest(execId, true))
      .pipe(mapEngineError((error) => containerNotFound(id, error) ?? stateConflict(id, error)))
    const handle: Terminal = {
      output: duplex.output,
      write: (input) => duplex.write(bytesOf(input)),
      resize: ({ columns, rows }) =>
        Effect.asVoid(docker.json({ method: "POST", path: `/exec/${execId}/resize`, query: { h: rows, w: columns } })),
      exitCode: exitCodeOf(execId)
    }
    return handle
  })

  const container = (id: string) =>
    Effect.gen(function* () {
      const request = { method: "GET", path: yield* containerPath(id, "/json") } as const
      const { body, status } = yield* docker.json(request)
      return yield* decodeContainer(request, status, body)
    }).pipe(mapEngineError((error) => containerNotFound(id, error)))

  /** The end of the connection may be that of the engine: only its own word tells that the run ended. */
  const confirmEnd = (id: string, startedAt: string, left = 20): Effect.Effect<void, DockerFailure> =>
    container(id).pipe(
      Effect.flatMap(({ State }) =>
        (State.Status !== "running" && State.Status !== "paused") ||
        (State.StartedAt !== startedAt && !startedAt.startsWith("0001-"))
          ? Effect.void
          : left > 0
            ? Effect.delay(
                Effect.suspend(() => confirmEnd(id, startedAt, left - 1)),
                "100 millis"
              )
            : Effect.fail(
                new EngineUnavailable({
                  endpoint: docker.endpoint,
                  reason: "Lost",
                  detail: "the connection ended, and the container runs on"
                })
              )
      ),
      Effect.catchTag("ContainerNotFound", () => Effect.void)
    )

  const attach = Effect.fn("Exec.attach")(
    function* (id: string, options: AttachOptions = {}) {
      const { Config, Id, State } = yield* container(id)
      // The engine takes it all the same, and ends it at once.
      const state = stillStates[State.Status]
      if (state !== undefined) {
        return yield* new ContainerStateConflict({
          containerId: id,
          state,
          detail: `nothing was asked: the container is ${State.Status}`
        })
      }
      const tty = Config.Tty ?? false
      const stdin = Config.OpenStdin ?? false
      const request: DockerRequest = {
        method: "POST",
        path: `/containers/${Id}/attach`,
        query: {
          stream: true,
          stdin,
          stdout: true,
          stderr: true,
          logs: options.replay ?? false,
          detachKeys: tty ? unlikelyKeys() : undefined
        }
      }
      const duplex = yield* docker.hijack(request)
      const pieces = tty
        ? Stream.map(duplex.output, (bytes): OutputPiece => ({ _tag: "Output", stream: "stdout", bytes }))
        : demultiplex(duplex.output, request, docker.endpoint)
      const startedAt = (yield* container(id)).State.StartedAt
      const attached: Attached = {
        tty,
        output: Stream.concat(pieces, Stream.drain(Stream.fromEffect(confirmEnd(Id, startedAt)))),
        write: (input) =>
          stdin
            ? duplex.write(bytesOf(input))
            : Effect.fail(
                new InvalidRequest({
                  field: "standard input",
                  value: id,
                  detail: "the container was made without an open one (OpenStdin)"
                })
              ),
        end: duplex.end,
        resize: ({ columns, rows }) =>
          docker.json({ method: "POST", path: `/containers/${Id}/resize`, query: { h: rows, w: columns } }).pipe(
            Effect.asVoid,
            mapEngineError((error) => containerNotFound(id, error) ?? stateConflict(id, error))
          )
      }
      return attached
    },
    (effect, id) => mapEngineError((error) => containerNotFound(id, error) ?? stateConflict(id, error))(effect)
  )

  return { attach, run, stream, terminal }
})

const stillStates: Readonly<Record<string, ContainerStateConflict["state"]>> = {
  exited: "stopped",
  dead: "stopped",
  restarting: "stopped",
  paused: "paused",
  removing: "removing"
}

/** The shape of `Exec`. */
export interface ExecShape {
  /**
   * Runs a command in a running container to its end. A command that can't start is `ExecFailed`, whatever code the engine
   * makes up for it; a connection that is cut before the command has ended is an `EngineUnavailable`, reason `Lost`.
   * Interrupting it closes the connection; the engine has no way to end the command itself. Output of 512 MB and more, which
   * no text can hold, is an `EngineError`: `stream` gives such.
   * `POST /containers/{id}/exec`, `POST /exec/{id}/start`
   */
  readonly run: <E = never, R = never>(
    id: string,
    command: ExecCommand,
    options?: ExecOptions<E, R>
  ) => Effect.Effect<ExecResult, ExecError | E, R>
  /** The same live: its output as it comes, and last how it ended. */
  readonly stream: <E = never, R = never>(
    id: string,
    command: ExecCommand,
    options?: ExecOptions<E, R>
  ) => Stream.Stream<ExecOutput, ExecError | E, R>
  /** Runs a command on a terminal of its own, as long as the scope is open: for a person's hands. */
  readonly terminal: (
    id: string,
    command: ExecCommand,
    options?: TerminalOptions
  ) => Effect.Effect<Terminal, ExecError, Scope.Scope>
  /**
   * Takes part in the container's own process, as long as the scope is open: its outputs, told apart, and its input. One that
   * is made and not started is taken too, so that nothing of what it prints is missed. `POST /containers/{id}/attach`
   */
  readonly attach: (
    id: string,
    options?: AttachOptions
  ) => Effect.Effect<Attached, ContainerNotFound | ContainerStateConflict | DockerFailure, Scope.Scope>
}

/**
 * Commands in running containers, and what runs in them already.
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
 */
export class Exec extends Context.Tag("@dockwire/core/Exec")<Exec, ExecShape>() {
  /** Commands in containers of the engine behind `Docker`. */
  static readonly layer: Layer.Layer<Exec, never, Docker> = Layer.effect(Exec, make)
}
