import { open, stat } from "node:fs/promises"
import * as Effect from "effect/Effect"
import { InvalidRequest } from "../../../DockerError.js"
import { codeOf } from "./contextError.js"

/** A Dockerfile or ignore file, read as a whole. */
export interface ContextDocument {
  readonly content: Uint8Array
  /** Nanoseconds since 1970. */
  readonly modified: bigint
}

/** The docker command's limit for a Dockerfile is of the same order. */
const maxLength = 16 * 1024 * 1024

/** Reads a Dockerfile or ignore file. Returns `undefined` if there is none. `field` names the parameter in an error. */
export const readDocument = (path: string, field: string): Effect.Effect<ContextDocument | undefined, InvalidRequest> =>
  Effect.tryPromise({
    try: async () => {
      const invalid = (detail: string) => new InvalidRequest({ field, value: path, detail })
      // Opening a pipe would wait for its writer.
      if (!(await stat(path)).isFile()) throw invalid("it is not a file")
      const file = await open(path)
      try {
        const { mtimeNs, size } = await file.stat({ bigint: true })
        if (size > maxLength) throw invalid(`it is longer than ${maxLength} bytes`)
        const content: Uint8Array = await file.readFile()
        return { content, modified: mtimeNs }
      } finally {
        await file.close()
      }
    },
    catch: (error) => error
  }).pipe(
    Effect.catchAll((error) =>
      ["ENOENT", "ENOTDIR"].includes(codeOf(error))
        ? Effect.succeed(undefined)
        : Effect.fail(
            error instanceof InvalidRequest
              ? error
              : new InvalidRequest({ field, value: path, detail: `it cannot be read: ${String(error)}` })
          )
    )
  )

/** A document from memory. Its time is new, as the engine takes a file of the same size and time for unchanged. */
export const textDocument = (text: string): ContextDocument => ({
  content: new TextEncoder().encode(text),
  modified: BigInt(Date.now()) * 1_000_000n
})
