import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { MemoryBuildStep } from "../../state/images/imageSpec.js"
import { newId } from "../../state/objectId.js"
import { type Emit, LineFailure } from "../jsonLines.js"
import { type Instruction, jsonWords } from "./dockerfile.js"

/** Sends a piece of the builder's output. */
export const print = (emit: Emit, text: string): void => emit({ stream: text })

/** Runs a step in a container, as far as clients can tell: prints its lines over its duration, then fails or succeeds. */
export const runStep = (
  { argument, keyword }: Instruction,
  { duration = 0, exitCode = 0, output = [] }: Partial<MemoryBuildStep>,
  emit: Emit
): Effect.Effect<void, LineFailure> =>
  Effect.gen(function* () {
    const container = newId().slice(0, 12)
    print(emit, ` ---> Running in ${container}\n`)
    const pause = Duration.toMillis(duration) / (output.length + 1)
    for (const line of output) {
      yield* Effect.sleep(pause)
      const { stream, text } = typeof line === "string" ? { stream: "stdout", text: line } : line
      // The builder prints the standard error in red.
      print(emit, stream === "stdout" ? `${text}\n` : `\u001b[91m${text}\n\u001b[0m`)
    }
    yield* Effect.sleep(pause)
    if (exitCode !== 0) {
      const command = jsonWords(argument)?.join(" ") ?? `/bin/sh -c ${argument}`
      const shown = keyword === "RUN" ? command : `${keyword} ${argument}`
      return yield* new LineFailure({
        message: `The command '${shown}' returned a non-zero code: ${exitCode}`,
        code: exitCode
      })
    }
    print(emit, ` ---> Removed intermediate container ${container}\n`)
  })
