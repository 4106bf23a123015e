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
  type ExecFailed
} from "../../DockerError.js"
import { demultiplex, demultiplexer } from "../logs/demultiplex.js"
import { type ExecCommand, parseCommand } from "./execCommand.js"
import {
  awaitEnd,
  createExec,
  type ExecEnd,
  type ExecSettings,
  type ExecWatch,
  mapStartErrors,
  readEnd,
  startRequest
} from "./execInstance.js"
import type { ExecOutput, ExecResult } from "./execModels.js"
import { inputBytes } from "./input.js"
import { OutputCollector } from "./outputCollector.js"
import { StartCheck } from "./startCheck.js"

/** A command that has been started, or that the engine could not start. */
export interface StartedCommand<E, R> {
  /** The request that started it, for errors about its output. */
  readonly request: DockerRequest
  readonly duplex: Pick<DockerDuplex, "output" | "pull">
  /** Sends the whole input. `undefined` if there is none. */
  readonly sendInput: Effect.Effect<void, E, R> | undefined
  /** Tells whether it was started. */
  readonly check: StartCheck
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
      check: new StartCheck(docker, { execId, containerId: id, command: args }),
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
  { check, duplex: { output }, end, request, sendInput }: StartedCommand<E, R>
): Stream.Stream<ExecOutput, EngineError | EngineUnavailable | ExecFailed | E, R> => {
  const pieces = check.checked(demultiplex(output, request, docker.endpoint), ({ bytes }) => bytes)
  const exit = Effect.map(
    Effect.flatMap(end, (ended) => check.exitCode(ended)),
    (exitCode): ExecOutput => ({ _tag: "Exit", exitCode })
  )
  const all = Stream.concat(pieces, Stream.fromEffect(exit))
  return sendInput === undefined ? all : Stream.mergeLeft(all, Stream.drain(Stream.fromEffect(sendInput)))
}

/** Collects the output. Does without `streamOutput`, whose operators would cost a short command more than all the rest. */
export const collectOutput = <E, R>(
  docker: DockerShape,
  { check, duplex, end, request, sendInput }: StartedCommand<E, R>
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
    return neverStarted(stdout + stderr) ? yield* check.failure(stdout + stderr) : { exitCode, stdout, stderr }
  })
