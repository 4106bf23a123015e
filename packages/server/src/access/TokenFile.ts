/** The token that the server makes for itself at its first start, kept in a file that only its owner can read. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { randomBytes } from "node:crypto"
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { ConfigProblem } from "../Config.js"

const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error ? String(error.code) : String(error)

const problem = (dataDir: string, error: unknown): ConfigProblem => {
  const why: Record<string, string> = {
    EACCES: "this user may not write there",
    EPERM: "this user may not write there",
    EROFS: "it is on a read-only file system",
    ENOTDIR: "a part of the path is not a folder",
    EEXIST: "a part of the path is not a folder",
    ENOSPC: "the disk is full"
  }
  const code = codeOf(error)
  return new ConfigProblem(
    `The server can't keep its files in ${dataDir}: ${why[code] ?? code}. Name another folder with --data-dir or DOCKWIRE_DATA_DIR.`,
    1
  )
}

const readExisting = async (file: string): Promise<string | undefined> => {
  try {
    const text = (await readFile(file, "utf8")).trim()
    await chmod(file, 0o600)
    return text === "" ? undefined : text
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined
    throw error
  }
}

/** The token in `dataDir`; makes both where they are missing (the folder with mode 0700, the file with 0600). */
export const readOrMakeToken = (dataDir: string): Effect.Effect<Redacted.Redacted<string>, ConfigProblem> =>
  Effect.tryPromise({
    try: async () => {
      const file = join(dataDir, "token")
      await mkdir(dirname(dataDir), { recursive: true })
      await mkdir(dataDir, { recursive: true, mode: 0o700 })
      const existing = await readExisting(file)
      if (existing !== undefined) return Redacted.make(existing)
      const token = randomBytes(32).toString("base64url")
      await writeFile(file, `${token}\n`, { mode: 0o600 })
      return Redacted.make(token)
    },
    catch: (error) => problem(dataDir, error)
  })
