import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { DockerShape } from "../../Docker.js"
import type { ContainerNotFound, ContainerStateConflict, DockerFailure, ExecFailed } from "../../DockerError.js"
import { type ExecCommand, parseCommand } from "./execCommand.js"
import {
  awaitEnd,
  createExec,
  type ExecSettings,
  type ExecWatch,
  mapStartErrors,
  startRequest
} from "./execInstance.js"
import { inputBytes, unusedDetachKeys } from "./input.js"
import { StartCheck } from "./startCheck.js"

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
 * A command that runs on a terminal.
 *
 * @since 0.1.0
 * @category models
 */
export interface Terminal {
  /**
   * What the command prints to stdout and stderr. Ends when the command exits. Fails with `ExecFailed` if the command could
   * not be started.
   */
  readonly output: Stream.Stream<Uint8Array, ExecFailed | DockerFailure>
  readonly write: (input: Uint8Array | string) => Effect.Effect<void, DockerFailure>
  readonly resize: (size: { readonly rows: number; readonly columns: number }) => Effect.Effect<void, DockerFailure>
  /**
   * Waits for the command to exit. Fails with `ExecFailed` if the command could not be started; on Podman only if `output` is
   * read, as nothing else tells: without it, 126 or 127 is returned.
   */
  readonly exitCode: Effect.Effect<number, ExecFailed | DockerFailure>
}

/** Runs a command on a terminal, until the scope closes. */
export const openTerminal = (
  docker: DockerShape,
  id: string,
  command: ExecCommand,
  options: TerminalOptions,
  watch: ExecWatch
): Effect.Effect<Terminal, ContainerNotFound | ContainerStateConflict | ExecFailed | DockerFailure, Scope.Scope> =>
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
    const duplex = yield* docker
      .hijack(startRequest(execId, { detach: false, tty: true }))
      .pipe(mapStartErrors(docker, id, execId, args))
    const check = new StartCheck(docker, { execId, containerId: id, command: args })
    const terminal: Terminal = {
      output: check.checked(duplex.output, (bytes) => bytes),
      write: (input) => duplex.write(inputBytes(input)),
      resize: ({ columns, rows }) =>
        Effect.asVoid(docker.json({ method: "POST", path: `/exec/${execId}/resize`, query: { h: rows, w: columns } })),
      exitCode: Effect.flatMap(awaitEnd(docker, execId, watch), (end) => check.exitCode(end))
    }
    return terminal
  })
