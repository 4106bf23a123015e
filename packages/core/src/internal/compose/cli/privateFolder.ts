import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** A new folder that only this user can read. It is removed with the scope. */
export const privateFolder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  // Node makes it with mode 0700.
  Effect.promise(() => mkdtemp(join(tmpdir(), "dockwire-compose-"))),
  (folder) => Effect.ignore(Effect.tryPromise(() => rm(folder, { recursive: true, force: true })))
)
