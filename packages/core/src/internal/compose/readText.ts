import * as Effect from "effect/Effect"
import { readFile } from "node:fs/promises"

/** Reads a file; `undefined` if that is not possible, which is for compose to report. */
export const readText = (path: string): Effect.Effect<string | undefined> =>
  Effect.promise(() => readFile(path, "utf8").catch(() => undefined))
