import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Writes files for compose. Fails with why that is not possible, such as a full disk. */
export const writePrivately = <A>(write: () => Promise<A>): Effect.Effect<A, string> =>
  Effect.tryPromise({ try: write, catch: (error) => (error instanceof Error ? error.message : String(error)) })

/** A new folder that only this user can read. It is removed with the scope. */
export const privateFolder: Effect.Effect<string, string, Scope.Scope> = Effect.acquireRelease(
  // Node makes it with mode 0700.
  writePrivately(() => mkdtemp(join(tmpdir(), "dockwire-compose-"))),
  (folder) => Effect.ignore(Effect.tryPromise(() => rm(folder, { recursive: true, force: true })))
)
