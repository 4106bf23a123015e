import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { DockerShape } from "../../Docker.js"
import { type DockerFailure, ExecFailed } from "../../DockerError.js"
import { type ExecEnd, isNeverStarted } from "./execInstance.js"

/** The length up to which output is taken for the engine's message. */
const maxMessageBytes = 4_096

/** A command that has been sent to the engine. */
export interface SentCommand {
  readonly execId: string
  readonly containerId: string
  readonly command: ReadonlyArray<string>
}

/**
 * Tells whether a command was started. The engine sends its message as output if it could not start the command, and the exec
 * instance tells which one it is.
 */
export class StartCheck {
  readonly #docker: DockerShape
  readonly #sent: SentCommand
  /** The beginning of the output; `undefined` until it is known. */
  #message: string | undefined

  constructor(docker: DockerShape, sent: SentCommand) {
    this.#docker = docker
    this.#sent = sent
  }

  /** The failure of a command that could not be started. */
  failure(message: string): ExecFailed {
    const { command, containerId } = this.#sent
    return new ExecFailed({ containerId, command, detail: message.slice(0, maxMessageBytes).trim() })
  }

  /** Fails if the first piece of the output is the engine's message. */
  checked<A, E>(
    output: Stream.Stream<A, E>,
    bytesOf: (piece: A) => Uint8Array
  ): Stream.Stream<A, E | ExecFailed | DockerFailure> {
    return Stream.mapChunksEffect(output, (pieces) => {
      const head = Option.getOrUndefined(Chunk.head(pieces))
      if (this.#message !== undefined || head === undefined) return Effect.succeed(pieces)
      const message = Buffer.from(bytesOf(head).subarray(0, maxMessageBytes)).toString("utf8")
      this.#message = message
      return Effect.flatMap(isNeverStarted(this.#docker, this.#sent.execId, message), (neverStarted) =>
        neverStarted ? Effect.fail(this.failure(message)) : Effect.succeed(pieces)
      )
    })
  }

  /** The exit code of a command that has ended. Fails if it was never started. */
  exitCode({ exitCode, neverStarted }: ExecEnd): Effect.Effect<number, ExecFailed> {
    const message = this.#message ?? ""
    return neverStarted(message) ? Effect.fail(this.failure(message)) : Effect.succeed(exitCode)
  }
}
