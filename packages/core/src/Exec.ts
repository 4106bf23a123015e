/**
 * Commands in running containers, and connections to their main processes.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Docker, type DockerShape } from "./Docker.js"
import type { ContainerNotFound, ContainerStateConflict, DockerFailure, ExecFailed } from "./DockerError.js"
import { type Attachment, type AttachOptions, attachTo } from "./internal/exec/attach.js"
import { type ExecCommand, parseCommand } from "./internal/exec/execCommand.js"
import {
  awaitExitCode,
  createExec,
  type ExecSettings,
  type ExecWatch,
  mapStartErrors,
  startRequest
} from "./internal/exec/execInstance.js"
import type { ExecOutput, ExecResult } from "./internal/exec/execModels.js"
import { openTerminal, type Terminal, type TerminalOptions } from "./internal/exec/execTerminal.js"
import { collectOutput, startCommand, streamOutput } from "./internal/exec/startedCommand.js"
import { openEvents } from "./internal/watch/engineEvents.js"
import { traced } from "./internal/api/traced.js"

export { ExecExit, ExecOutput, ExecResult } from "./internal/exec/execModels.js"
export type { ExecSettings } from "./internal/exec/execInstance.js"
export type { Terminal, TerminalOptions } from "./internal/exec/execTerminal.js"
export type { Attachment, AttachOptions } from "./internal/exec/attach.js"
export type { ExecCommand } from "./internal/exec/execCommand.js"
export { OutputPiece } from "./internal/api/streams/outputPiece.js"

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
 * A command whose output nobody reads.
 *
 * @since 0.1.0
 * @category models
 */
export interface DetachedCommand {
  /** The id of the exec instance, for requests such as `GET /exec/{id}/json`. */
  readonly execId: string
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

/** Events after which a command of the container may have ended. Docker and Podman name them differently. */
const watchExec: ExecWatch = (docker, containerId) =>
  Effect.map(openEvents(docker, { filters: { type: ["container"], container: [containerId] } }), (events) =>
    Stream.filter(events, ({ action }) => /^(exec_die|die|died|destroy|remove|cleanup)/.test(action))
  )

/** Starts a command whose output nobody reads. The engine answers once the command runs, or could not be started. */
const startDetached = (docker: DockerShape, id: string, command: ExecCommand, options: ExecSettings) =>
  Effect.gen(function* () {
    const args = yield* parseCommand(id, command)
    const execId = yield* createExec(docker, id, args, options, {})
    yield* docker
      .json(startRequest(execId, { detach: true, tty: false }))
      .pipe(mapStartErrors(docker, id, execId, args))
    const detached: DetachedCommand = { execId, exitCode: awaitExitCode(docker, execId, watchExec) }
    return detached
  })

const make = Effect.map(Docker, (docker): ExecShape => ({
  run: traced("Exec.run")(<E = never, R = never>(id: string, command: ExecCommand, options: ExecOptions<E, R> = {}) =>
    Effect.scoped(
      Effect.flatMap(startCommand(docker, id, command, options, watchExec), (started) => collectOutput(docker, started))
    )
  ),
  stream: <E = never, R = never>(id: string, command: ExecCommand, options: ExecOptions<E, R> = {}) =>
    Stream.unwrapScoped(
      Effect.map(startCommand(docker, id, command, options, watchExec), (started) => streamOutput(docker, started))
    ),
  startDetached: traced("Exec.startDetached")((id: string, command: ExecCommand, options: ExecSettings = {}) =>
    startDetached(docker, id, command, options)
  ),
  terminal: traced("Exec.terminal")((id: string, command: ExecCommand, options: TerminalOptions = {}) =>
    openTerminal(docker, id, command, options, watchExec)
  ),
  attach: traced("Exec.attach")((id: string, options: AttachOptions = {}) => attachTo(docker, id, options))
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
  /**
   * Starts a command in a running container and does not wait for it. The command runs on if this program ends. Fails with
   * `ExecFailed` if it cannot be started. `POST /containers/{id}/exec`, `POST /exec/{id}/start`
   */
  readonly startDetached: (
    id: string,
    command: ExecCommand,
    options?: ExecSettings
  ) => Effect.Effect<DetachedCommand, ExecError>
  /**
   * Runs a command on a terminal, for interactive use. Its output fails with `ExecFailed` if it cannot be started. Closing the
   * scope closes the connection. `POST /containers/{id}/exec`, `POST /exec/{id}/start`
   */
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
