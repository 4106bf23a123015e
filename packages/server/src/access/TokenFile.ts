/** The token that the server generates when it starts for the first time, in a file that only its owner can read. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { randomBytes } from "node:crypto"
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { ConfigProblem } from "../Config.js"

const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOTDIR: "part of the path is not a directory",
  EEXIST: "part of the path is not a directory",
  ENOSPC: "the disk is full"
}

const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error ? String(error.code) : String(error)

const dataDirProblem = (dataDir: string, error: unknown): ConfigProblem => {
  const code = codeOf(error)
  return new ConfigProblem(
    `Cannot store the server's files in ${dataDir}: ${reasons[code] ?? code}. Choose another directory with --data-dir or DOCKWIRE_DATA_DIR.`,
    1
  )
}

const readToken = async (file: string): Promise<string | undefined> => {
  try {
    const text = (await readFile(file, "utf8")).trim()
    await chmod(file, 0o600)
    return text === "" ? undefined : text
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined
    throw error
  }
}

/** Reads the token in `dataDir`. Creates the directory (mode 0700) and the token (mode 0600) if they are missing. */
export const readOrCreateToken = (dataDir: string): Effect.Effect<Redacted.Redacted<string>, ConfigProblem> =>
  Effect.tryPromise({
    try: async () => {
      const file = join(dataDir, "token")
      await mkdir(dirname(dataDir), { recursive: true })
      await mkdir(dataDir, { recursive: true, mode: 0o700 })
      const existing = await readToken(file)
      if (existing !== undefined) return Redacted.make(existing)
      const token = randomBytes(32).toString("base64url")
      await writeFile(file, `${token}\n`, { mode: 0o600 })
      return Redacted.make(token)
    },
    catch: (error) => dataDirProblem(dataDir, error)
  })
