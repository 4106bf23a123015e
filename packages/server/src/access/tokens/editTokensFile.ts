/** Changes to the tokens file, which a server may read and another command may change at the same time. */
import { randomBytes } from "node:crypto"
import { chown, mkdir, open, readFile, realpath, rename, rm, stat } from "node:fs/promises"
import { dirname } from "node:path"

/** A lock that is older belongs to a command that was killed, in milliseconds. */
const staleLock = 10_000

/** How long to wait for another command, in milliseconds. */
const patience = 15_000

const codeOf = (error: unknown): unknown =>
  typeof error === "object" && error !== null && "code" in error ? error.code : undefined

const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Takes the lock, unless another command has it. */
const tryLock = async (lock: string): Promise<boolean> => {
  try {
    await (await open(lock, "wx", 0o600)).close()
    return true
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error
  }
  const age = await stat(lock).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0
  )
  if (age > staleLock) await rm(lock, { force: true })
  return false
}

/** The text of the file; empty if there is none. */
export const readTokensText = async (file: string): Promise<string> => {
  try {
    return await readFile(file, "utf8")
  } catch (error) {
    if (codeOf(error) === "ENOENT") return ""
    throw error
  }
}

/** Replaces the file as a whole. It keeps its owner and its mode; a new one belongs to the owner of the directory, who alone may read it. */
const replace = async (file: string, text: string): Promise<void> => {
  const before = await stat(file).catch(() => undefined)
  const owner = before ?? (await stat(dirname(file)))
  const temporary = `${file}.${randomBytes(6).toString("hex")}`
  try {
    const created = await open(temporary, "wx", before === undefined ? 0o600 : before.mode & 0o777)
    try {
      await created.writeFile(text)
      await created.sync()
    } finally {
      await created.close()
    }
    // Only root may give a file to somebody else.
    if (process.getuid?.() === 0) await chown(temporary, owner.uid, owner.gid)
    await rename(temporary, file)
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Changes the text of the file while no other command does. Creates the file, and its directory, if they are missing. */
export const editTokensFile = async (given: string, edit: (text: string) => string): Promise<void> => {
  await mkdir(dirname(given), { recursive: true, mode: 0o700 })
  // What a link points to is changed, not the link.
  const file = await realpath(given).catch(() => given)
  const lock = `${file}.lock`
  const end = Date.now() + patience
  while (!(await tryLock(lock))) {
    if (Date.now() > end) throw new Error(`Another command is changing it. If there is none, remove ${lock}.`)
    await wait(50)
  }
  try {
    await replace(file, edit(await readTokensText(file)))
  } finally {
    await rm(lock, { force: true })
  }
}
