import * as Effect from "effect/Effect"
import { randomBytes } from "node:crypto"
import { copyFile, link, lstat, mkdir, open, rename, rm, rmdir, stat } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { ComposeFileUnusable } from "../../../DockerError.js"
import { isMissing, onFile } from "./fileError.js"

/** Where the previous content of a file is kept. */
export const backupPath = (path: string): string => `${path}.bak`

const temporaryPath = (path: string): string =>
  join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`)

const ignoreErrors = (work: Promise<unknown>): Promise<void> =>
  work.then(
    () => {},
    () => {}
  )

/** Writes a file that does not exist yet, down to the disk. It gets the mode and the owner of the one that it replaces. */
const writeNew = async (path: string, bytes: Uint8Array, replaced: string | undefined): Promise<void> => {
  const file = await open(path, "wx")
  try {
    await file.writeFile(bytes)
    if (replaced !== undefined) {
      const { gid, mode, uid } = await stat(replaced)
      const own = await file.stat()
      // Only root may give a file to someone else.
      if (own.uid !== uid || own.gid !== gid) await ignoreErrors(file.chown(uid, gid))
      await file.chmod(mode & 0o7777)
    }
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Keeps what is in a file under another name as well. Not every file system has links. */
const keep = (path: string, kept: string): Promise<void> => link(path, kept).catch(() => copyFile(path, kept))

/** Makes what happened in a folder last. Some systems cannot, and have no need to. */
const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const requireFileOrNothing = async (path: string): Promise<void> => {
  try {
    if ((await lstat(path)).isFile()) return
  } catch (error) {
    if (isMissing(error)) return
    throw error
  }
  throw new ComposeFileUnusable({ reason: "NotAFile", path, detail: "it is not a regular file" })
}

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false
  )

/** Gives a file its name. Fails if someone else has made such a file meanwhile, where renaming would replace theirs. */
const makeVisible = async (temporary: string, path: string): Promise<void> => {
  try {
    await link(temporary, path)
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    if (await exists(path)) throw new ComposeFileUnusable({ reason: "Exists", path, detail })
    // Not every file system has links.
    await rename(temporary, path)
  }
}

const replace = async (path: string, bytes: Uint8Array, isThere: boolean): Promise<void> => {
  const backup = backupPath(path)
  await requireFileOrNothing(path)
  if (isThere) await requireFileOrNothing(backup)
  const next = temporaryPath(path)
  const previous = temporaryPath(path)
  try {
    await writeNew(next, bytes, isThere ? path : undefined)
    if (!isThere) {
      await makeVisible(next, path)
    } else {
      await keep(path, previous)
      await rename(next, path)
      try {
        await rename(previous, backup)
      } catch (error) {
        await rename(previous, path)
        throw error
      }
    }
  } finally {
    for (const temporary of [next, previous]) await ignoreErrors(rm(temporary, { force: true }))
  }
  await ignoreErrors(syncFolder(dirname(path)))
}

/** Removes the folders that were made for a file. `first` is the topmost of them. */
const removeFolders = async (folder: string, first: string): Promise<void> => {
  await rmdir(folder)
  if (folder !== first) await removeFolders(dirname(folder), first)
}

/**
 * Replaces the content of a file at once: whoever reads it finds the old content or the new one. The old one is kept beside it
 * as `.bak`. A file that does not exist is made, with its folders. After an error, everything is as it was before.
 */
export const replaceFile = (
  path: string,
  bytes: Uint8Array,
  isThere: boolean
): Effect.Effect<void, ComposeFileUnusable> =>
  onFile(path, async () => {
    const folder = dirname(path)
    const first = isThere ? undefined : await mkdir(folder, { recursive: true })
    try {
      await replace(path, bytes, isThere)
    } catch (error) {
      if (first !== undefined) await ignoreErrors(removeFolders(folder, first))
      throw error
    }
  }).pipe(Effect.uninterruptible)
