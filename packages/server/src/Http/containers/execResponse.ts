/** The output of a command as a response. */
import type { ExecOutput } from "@dockwire/core/Exec"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { ExecAnswer, ExecElement } from "../../Api/Containers.js"

/** How many bytes of each output an answer has. */
const maxOutputBytes = 1024 * 1024

/** Decodes the outputs of a command, each by itself: a piece may end within a character. */
const decoders = () => ({ stdout: new TextDecoder(), stderr: new TextDecoder() })

/** Decodes the output piece by piece. */
export const decodeOutput = <E, R>(output: Stream.Stream<ExecOutput, E, R>): Stream.Stream<ExecElement, E, R> =>
  Stream.suspend(() => {
    const decoder = decoders()
    return Stream.map(output, (element): ExecElement => {
      if (element._tag === "Exit") return element
      const { bytes, stream } = element
      return { _tag: "Output", stream, text: decoder[stream].decode(bytes, { stream: true }) }
    })
  })

/** Collects the output up to the limit, and waits for the exit. */
export const collectOutput = <E, R>(
  output: Stream.Stream<ExecOutput, E, R>
): Effect.Effect<typeof ExecAnswer.Type, E, R> =>
  Effect.suspend(() => {
    const decoder = decoders()
    const texts = { stdout: "", stderr: "" }
    const left = { stdout: maxOutputBytes, stderr: maxOutputBytes }
    let truncated = false
    let exitCode = 0
    return output.pipe(
      Stream.runForEach((element) =>
        Effect.sync(() => {
          if (element._tag === "Exit") {
            exitCode = element.exitCode
            return
          }
          const { bytes, stream } = element
          truncated ||= bytes.length > left[stream]
          const kept = bytes.subarray(0, left[stream])
          left[stream] -= kept.length
          texts[stream] += decoder[stream].decode(kept, { stream: true })
        })
      ),
      Effect.map(() => ({
        exitCode,
        stdout: texts.stdout + (truncated ? "" : decoder.stdout.decode()),
        stderr: texts.stderr + (truncated ? "" : decoder.stderr.decode()),
        truncated
      }))
    )
  })
