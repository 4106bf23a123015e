/** The token that the server generates when it starts for the first time, in a file that only its owner can read. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { randomBytes } from "node:crypto"
import { constants } from "node:fs"
import { chmod, copyFile, link, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { ConfigProblem } from "../Config.js"

const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOTDIR: "part of the path is not a directory",
  EEXIST: "part of the path is not a directory",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EIO: "the disk has an error"
}

/** What is wrong with a disk, and not with the setting. */
const diskFaults: ReadonlySet<string> = new Set(["EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EIO"])

/** The server's own token. */
export interface ServerToken {
  readonly token: Redacted.Redacted<string>
  /** Why it ends with this run of the server: a sentence. */
  readonly notice?: string
}

const newToken = (): string => randomBytes(32).toString("base64url")

const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error ? String(error.code) : String(error)

const dataDirProblem = (dataDir: string, error: unknown): ConfigProblem => {
  const code = codeOf(error)
  return new ConfigProblem(
    `Cannot store the server's files in ${dataDir}: ${reasons[code] ?? code}. Choose another directory with --data-dir or DOCKWIRE_DATA_DIR.`,
    1
  )
}

/** A shorter token is what is left of one that was never written completely, and could be guessed. */
const minLength = 16
/** How often to look again if the file is changed by something else. */
const maxAttempts = 10
/** How old a leftover file must be to be removed, in milliseconds: no start takes that long. */
const leftoverAge = 60_000

/** Identifies a file that has no usable token in it. `undefined` if there is no file. */
type Unusable = { readonly ino: number; readonly mtimeMs: number } | undefined

/** Reads the token, or what is in its place. */
const readToken = async (file: string): Promise<string | Unusable> => {
  try {
    const found = await stat(file)
    const text = (await readFile(file, "utf8")).trim()
    if ((found.mode & 0o777) !== 0o600) await chmod(file, 0o600)
    return text.length < minLength ? found : text
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined
    throw error
  }
}

/** Gives a file another name as well, unless that is taken. */
const linkIfFree = async (file: string, name: string): Promise<void> => {
  try {
    await link(file, name)
  } catch (error) {
    if (codeOf(error) === "EEXIST") return
    // Not every file system has hard links.
    await copyFile(file, name, constants.COPYFILE_EXCL).catch((cause: unknown) => {
      if (codeOf(cause) !== "EEXIST") throw cause
    })
  }
}

/**
 * Puts a new token in place of `unusable`, unless another process does. The token appears in the file as a whole or not at
 * all, whenever this process ends.
 */
const createToken = async (file: string, unusable: Unusable): Promise<void> => {
  const temporary = `${file}.${randomBytes(6).toString("hex")}`
  try {
    const created = await open(temporary, "wx", 0o600)
    try {
      await created.writeFile(`${newToken()}\n`)
      await created.sync()
    } finally {
      await created.close()
    }
    if (unusable === undefined) return await linkIfFree(temporary, file)
    // All who found the same unusable file agree on what replaces it: the first file of this name.
    const replacement = `${file}.${unusable.ino}-${Math.trunc(unusable.mtimeMs)}`
    await linkIfFree(temporary, replacement)
    await rm(temporary)
    await copyFile(replacement, temporary)
    if ((await stat(file)).ino === unusable.ino) await rename(temporary, file)
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Removes what earlier starts left beside the token. */
const removeLeftovers = async (file: string): Promise<void> => {
  for (const name of await readdir(dirname(file))) {
    if (!name.startsWith(`${basename(file)}.`)) continue
    const leftover = join(dirname(file), name)
    const age = await stat(leftover).then(
      ({ ctimeMs }) => Date.now() - ctimeMs,
      () => 0
    )
    if (age > leftoverAge) await rm(leftover, { force: true })
  }
}

const readOrCreate = async (file: string): Promise<string> => {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const found = await readToken(file)
    if (typeof found === "string") return found
    await createToken(file, found)
  }
  throw new Error(`${file} keeps changing`)
}

const ofThisRun = (dataDir: string, code: string): ServerToken => ({
  token: Redacted.make(newToken()),
  notice: `The token cannot be kept in ${dataDir} (${reasons[code] ?? code}), so this link is valid only until Dockwire ends; let it write there, or set a token of your own with --token or DOCKWIRE_TOKEN.`
})

/**
 * Reads the token in `dataDir`. Creates the directory (mode 0700) and the token (mode 0600) if they are missing. Servers that
 * start at the same time get the same token, the one in the file. If the disk does not let it, the token is a new one that is
 * not kept.
 */
export const readOrCreateToken = (dataDir: string): Effect.Effect<ServerToken, ConfigProblem> =>
  Effect.tryPromise({
    try: async (): Promise<ServerToken> => {
      const file = join(dataDir, "token")
      await mkdir(dirname(dataDir), { recursive: true })
      await mkdir(dataDir, { recursive: true, mode: 0o700 })
      const token = await readOrCreate(file)
      // They are in nobody's way.
      await removeLeftovers(file).catch(() => {})
      return { token: Redacted.make(token) }
    },
    catch: (error) => error
  }).pipe(
    Effect.catchAll((error) => {
      const code = codeOf(error)
      return diskFaults.has(code)
        ? Effect.succeed(ofThisRun(dataDir, code))
        : Effect.fail(dataDirProblem(dataDir, error))
    })
  )
