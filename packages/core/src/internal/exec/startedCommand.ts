import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { DockerDuplex, DockerRequest, DockerShape } from "../../Docker.js"
import {
  type ContainerNotFound,
  type ContainerStateConflict,
  type DockerFailure,
  type EngineError,
  EngineUnavailable,
  ExecFailed
} from "../../DockerError.js"
import { demultiplex, demultiplexer } from "../logs/demultiplex.js"
import { type ExecCommand, parseCommand } from "./execCommand.js"
import {
  awaitEnd,
  createExec,
  type ExecEnd,
  type ExecSettings,
  type ExecWatch,
  isNeverStarted,
  mapStartErrors,
  readEnd,
  startRequest
} from "./execInstance.js"
import type { ExecOutput, ExecResult } from "./execModels.js"
import { inputBytes } from "./input.js"
import { OutputCollector } from "./outputCollector.js"

/** The length up to which output is taken for the engine's message. */
const maxMessageBytes = 4_096

/** A command that has been started, or that the engine could not start. */
export interface StartedCommand<E, R> {
  /** The request that started it, for errors about its output. */
  readonly request: DockerRequest
  readonly duplex: Pick<DockerDuplex, "output" | "pull">
  /** Sends the whole input. `undefined` if there is none. */
  readonly sendInput: Effect.Effect<void, E, R> | undefined
  /** The engine sends its message as output if it could not start the command. The exec instance tells which one it is. */
  readonly isNeverStarted: (output: string) => Effect.Effect<boolean, DockerFailure>
  /** The failure of a command that could not be started. */
  readonly failure: (message: string) => ExecFailed
  /** Waits for the exit, once the output has ended. */
  readonly end: Effect.Effect<ExecEnd, DockerFailure>
}

/** The engine keeps the connection open while a command runs. If it ends this much earlier, it was cut. */
const connectionTimeout = Duration.seconds(10)

const connectionClosed = ({ endpoint }: DockerShape) =>
  new EngineUnavailable({
    endpoint,
    reason: "Lost",
    detail: "the connection was closed while the command was running"
  })

/** Runs an effect for each chunk of the output. */
const forEachChunk = <E>(
  { output, pull = Stream.toPull(output) }: Pick<DockerDuplex, "output" | "pull">,
  run: (chunk: Uint8Array) => Effect.Effect<void, E>
): Effect.Effect<void, E | EngineUnavailable, Scope.Scope> =>
  Effect.flatMap(pull, (pullOutput) =>
    pullOutput.pipe(
      Effect.flatMap((chunks) =>
        Effect.mapError(Effect.forEach(chunks, run, { discard: true }), (error) =>
          Option.some<E | EngineUnavailable>(error)
        )
      ),
      Effect.forever,
      Effect.catchAll((error: Option.Option<E | EngineUnavailable>) =>
        Option.isSome(error) ? Effect.fail(error.value) : Effect.void
      )
    )
  )

/** Starts a command and attaches to it. */
export const startCommand = <E, R>(
  docker: DockerShape,
  id: string,
  command: ExecCommand,
  { stdin, ...settings }: ExecSettings & { readonly stdin?: Stream.Stream<Uint8Array | string, E, R> },
  watch: ExecWatch
): Effect.Effect<
  StartedCommand<E, R>,
  ContainerNotFound | ContainerStateConflict | ExecFailed | DockerFailure,
  Scope.Scope
> =>
  Effect.gen(function* () {
    const args = yield* parseCommand(id, command)
    const execId = yield* createExec(docker, id, args, settings, {
      AttachStdin: stdin !== undefined,
      AttachStdout: true,
      AttachStderr: true,
      Tty: false
    })
    const request = startRequest(execId, { detach: false, tty: false })
    const duplex = yield* docker.hijack(request).pipe(mapStartErrors(docker, id, execId, args))
    const started: StartedCommand<E, R> = {
      request,
      duplex,
      sendInput: stdin?.pipe(
        // A command may exit before it has read all of its input, which is no error: its exit code is reported.
        Stream.runForEach((input) => Effect.ignore(duplex.write(inputBytes(input)))),
        Effect.andThen(duplex.end)
      ),
      isNeverStarted: (output) => isNeverStarted(docker, execId, output),
      failure: (message) =>
        new ExecFailed({ containerId: id, command: args, detail: message.slice(0, maxMessageBytes).trim() }),
      // Most often it has ended by now, and a timeout and a schedule would cost more than the request.
      end: Effect.flatMap(readEnd(docker, execId, connectionTimeout), (end) =>
        end === undefined
          ? awaitEnd(docker, execId, watch).pipe(
              Effect.timeoutFail({ duration: connectionTimeout, onTimeout: () => connectionClosed(docker) })
            )
          : Effect.succeed(end)
      )
    }
    return started
  })

/** Emits the output as it arrives, and then the exit. */
export const streamOutput = <E, R>(
  docker: DockerShape,
  { duplex: { output }, end, failure, isNeverStarted, request, sendInput }: StartedCommand<E, R>
): Stream.Stream<ExecOutput, EngineError | EngineUnavailable | ExecFailed | E, R> => {
  let isFirst = true
  const pieces = Stream.mapChunksEffect(demultiplex(output, request, docker.endpoint), (pieces) => {
    const head = Option.getOrUndefined(Chunk.head(pieces))
    if (!isFirst || head === undefined) return Effect.succeed(pieces)
    isFirst = false
    const text = Buffer.from(head.bytes.subarray(0, maxMessageBytes)).toString("utf8")
    return Effect.flatMap(isNeverStarted(text), (neverStarted) =>
      neverStarted ? Effect.fail(failure(text)) : Effect.succeed(pieces)
    )
  })
  const exit = Effect.flatMap(end, ({ exitCode, neverStarted }): Effect.Effect<ExecOutput, ExecFailed> =>
    neverStarted("") ? Effect.fail(failure("")) : Effect.succeed({ _tag: "Exit", exitCode })
  )
  const all = Stream.concat(pieces, Stream.fromEffect(exit))
  return sendInput === undefined ? all : Stream.mergeLeft(all, Stream.drain(Stream.fromEffect(sendInput)))
}

/** Collects the output. Does without `streamOutput`, whose operators would cost a short command more than all the rest. */
export const collectOutput = <E, R>(
  docker: DockerShape,
  { duplex, end, failure, request, sendInput }: StartedCommand<E, R>
): Effect.Effect<ExecResult, EngineError | EngineUnavailable | ExecFailed | E, R | Scope.Scope> =>
  Effect.gen(function* () {
    const collector = new OutputCollector(request, "Exec.stream")
    const demultiplexed = demultiplexer(request, docker.endpoint)
    const readToEnd = forEachChunk(duplex, (chunk) =>
      Effect.flatMap(demultiplexed.take(chunk), (pieces) => collector.add(pieces))
    ).pipe(Effect.andThen(demultiplexed.end), Effect.andThen(end))
    // A failure of the input fails the command, but the command's exit does not wait for the input.
    const { exitCode, neverStarted } =
      sendInput === undefined
        ? yield* readToEnd
        : yield* Effect.raceFirst(readToEnd, Effect.zipRight(sendInput, Effect.never))
    const [stdout, stderr] = [collector.text("stdout"), collector.text("stderr")]
    return neverStarted(stdout + stderr) ? yield* failure(stdout + stderr) : { exitCode, stdout, stderr }
  })
