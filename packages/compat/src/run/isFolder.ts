import * as Effect from "effect/Effect"
import { stat } from "node:fs/promises"

/** Whether there is a folder of this path. */
export const isFolder = (path: string): Effect.Effect<boolean> =>
  Effect.promise(() =>
    stat(path).then(
      (found) => found.isDirectory(),
      () => false
    )
  )
