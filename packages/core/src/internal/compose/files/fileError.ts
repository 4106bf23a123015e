import * as Effect from "effect/Effect"
import { ComposeFileUnusable } from "../../../DockerError.js"

const codeOf = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : undefined)

/** Whether an operation failed because there is no such file. */
export const isMissing = (error: unknown): boolean => codeOf(error) === "ENOENT"

const reasonOf = (error: unknown): ComposeFileUnusable["reason"] => {
  switch (codeOf(error)) {
    case "ENOENT":
      return "NotFound"
    case "EISDIR":
    case "ENOTDIR":
    case "ENXIO":
      return "NotAFile"
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return "PermissionDenied"
    case "ENOSPC":
    case "EDQUOT":
      return "DiskFull"
    default:
      return "Failed"
  }
}

/** What a failed operation means for the file that it was about. */
export const fileError = (path: string, error: unknown): ComposeFileUnusable =>
  error instanceof ComposeFileUnusable
    ? error
    : new ComposeFileUnusable({
        reason: reasonOf(error),
        path,
        detail: error instanceof Error ? error.message : String(error)
      })

/** Runs operations on a file. */
export const onFile = <A>(path: string, run: () => Promise<A>): Effect.Effect<A, ComposeFileUnusable> =>
  Effect.tryPromise({ try: run, catch: (error) => fileError(path, error) })
