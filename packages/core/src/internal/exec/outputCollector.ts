import { constants } from "node:buffer"
import * as Effect from "effect/Effect"
import type { DockerRequest } from "../../Docker.js"
import { EngineError } from "../../DockerError.js"
import type { LogStream } from "../../LogEvent.js"
import type { OutputPiece } from "../api/streams/outputPiece.js"

/** Collects the output of a command or container, as long as it fits in a string. */
export class OutputCollector {
  readonly #pieces: Array<OutputPiece> = []
  readonly #sizes = { stdout: 0, stderr: 0 }

  /** `reader` is the method that an error recommends for longer output. */
  constructor(
    readonly request: DockerRequest,
    readonly reader: string
  ) {}

  /** Adds pieces. Fails if the output has become too long. */
  add(pieces: ReadonlyArray<OutputPiece>): Effect.Effect<void, EngineError> {
    for (const piece of pieces) {
      this.#pieces.push(piece)
      this.#sizes[piece.stream] += piece.bytes.length
    }
    return Math.max(this.#sizes.stdout, this.#sizes.stderr) <= constants.MAX_STRING_LENGTH
      ? Effect.void
      : Effect.fail(this.#tooLong)
  }

  get #tooLong(): EngineError {
    const { method, path } = this.request
    return new EngineError({
      request: `${method} ${path}`,
      status: 101,
      detail: `the output of the command exceeds ${constants.MAX_STRING_LENGTH} bytes, the longest string of Node.js. Read it with ${this.reader}`
    })
  }

  /** The output so far, decoded as UTF-8. */
  text(name: LogStream): string {
    return Buffer.concat(this.#pieces.flatMap(({ bytes, stream }) => (stream === name ? [bytes] : []))).toString("utf8")
  }
}
