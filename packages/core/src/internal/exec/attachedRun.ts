import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { DockerFailure, EngineError } from "../../DockerError.js"
import type { Attachment } from "./attach.js"
import type { ExecOutput, ExecResult } from "./execModels.js"
import { OutputCollector } from "./outputCollector.js"

/** A container that has been started with a client attached to it. */
export interface AttachedRun<E, R> {
  readonly attachment: Attachment
  /** The container's standard input, if it has one. */
  readonly stdin: Stream.Stream<Uint8Array | string, E, R> | undefined
  /** Waits for the exit, once the output has ended. */
  readonly exitCode: Effect.Effect<number, DockerFailure>
}

/** Sends the whole input. A container may exit before it has read all of it, which is no error. */
const sendInput = <E, R>(attachment: Attachment, stdin: Stream.Stream<Uint8Array | string, E, R>) =>
  Stream.runForEach(stdin, (input) => Effect.ignore(attachment.write(input))).pipe(Effect.zipRight(attachment.end))

/** Emits the output as it arrives, and then the exit. */
export const streamRun = <E, R>({
  attachment,
  exitCode,
  stdin
}: AttachedRun<E, R>): Stream.Stream<ExecOutput, DockerFailure | E, R> => {
  const exit = Effect.map(exitCode, (exitCode): ExecOutput => ({ _tag: "Exit", exitCode }))
  const all = Stream.concat(attachment.output, Stream.fromEffect(exit))
  return stdin === undefined
    ? all
    : Stream.mergeLeft(all, Stream.drain(Stream.fromEffect(sendInput(attachment, stdin))))
}

/** Collects the output. */
export const collectRun = <E, R>(
  id: string,
  { attachment, exitCode, stdin }: AttachedRun<E, R>
): Effect.Effect<ExecResult, DockerFailure | EngineError | E, R> =>
  Effect.gen(function* () {
    const request = { method: "POST", path: `/containers/${id}/attach` } as const
    const collector = new OutputCollector(request, "Containers.runStream")
    const readToEnd = Stream.runForEachChunk(attachment.output, (pieces) => collector.add([...pieces])).pipe(
      Effect.zipRight(exitCode)
    )
    // A failure of the input fails the run, but the container's exit does not wait for the input.
    const result =
      stdin === undefined
        ? yield* readToEnd
        : yield* Effect.raceFirst(readToEnd, Effect.zipRight(sendInput(attachment, stdin), Effect.never))
    return { exitCode: result, stdout: collector.text("stdout"), stderr: collector.text("stderr") }
  })
