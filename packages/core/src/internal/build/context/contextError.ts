import { join } from "node:path"
import { InvalidRequest } from "../../../DockerError.js"

/** What is wrong with a file or directory of the context. `path` is relative to `folder`. */
export const contextError = (folder: string, path: string, detail: string): InvalidRequest =>
  new InvalidRequest({ field: "context", value: join(folder, path), detail })

const wordsByCode: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist, or no longer does",
  ENOTDIR: "it is not a directory",
  EACCES: "permission denied. Exclude it with .dockerignore, or make it readable",
  EPERM: "permission denied. Exclude it with .dockerignore, or make it readable",
  ELOOP: "it was replaced by a symbolic link during the build",
  EISDIR: "it was replaced by a directory during the build"
}

/** The code of a Node error, such as `ENOENT`. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : ""

/** An error of reading the context. */
export const readError = (folder: string, path: string, error: unknown): InvalidRequest =>
  error instanceof InvalidRequest
    ? error
    : contextError(folder, path, `it cannot be read: ${wordsByCode[codeOf(error)] ?? String(error)}`)
