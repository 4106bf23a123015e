import { type BigIntStats, type Dirent, lstat } from "node:fs"
import { readdir, readlink } from "node:fs/promises"
import { isUtf8 } from "node:buffer"
import { join } from "node:path"
import { contextEntry, type ContextEntry } from "./contextEntry.js"
import { codeOf, contextError, readError } from "./contextError.js"
import {
  childPath,
  type ContextFilter,
  emptyMatch,
  type FolderMatch,
  judgePath,
  type PathVerdict
} from "./contextFilter.js"

/** How many files are looked at at the same time. */
const parallel = 64
/** After how many entries a batch is handed out. */
const batchLength = 256

interface Child {
  readonly path: string
  readonly verdict: PathVerdict
  /** Of a folder. */
  readonly match: FolderMatch | undefined
}

/** A folder that is being read. */
interface Folder {
  readonly path: string
  readonly children: ReadonlyArray<Child>
  /** What is known of the next children, beginning with that at `known`. */
  readonly stats: Array<BigIntStats | Error>
  known: number
  next: number
  /** The folder itself, if it has not been handed out: that is only done once there is something to take in it. */
  entry: ContextEntry | undefined
}

const ascii = /^[\0-\x7f]*$/

/** A name that was read as one character for each byte. `undefined` if it is not valid UTF-8. */
const decodeName = (name: string): string | undefined => {
  if (ascii.test(name)) return name
  const bytes = Buffer.from(name, "latin1")
  return isUtf8(bytes) ? bytes.toString("utf8") : undefined
}

const lstatAll = (root: string, children: ReadonlyArray<Child>): Promise<Array<BigIntStats | Error>> =>
  new Promise((resolve) => {
    const found = Array.from<BigIntStats | Error>({ length: children.length })
    let missing = children.length
    for (const [index, { path }] of children.entries()) {
      lstat(join(root, path), { bigint: true }, (error, stats) => {
        found[index] = error ?? stats
        if (--missing === 0) resolve(found)
      })
    }
  })

/**
 * Reads a context from the top down, the names in a folder in the order of their bytes, as BuildKit wants them. Links are not
 * followed, and folders in which nothing can be taken are not read. Hands out batches, of at least one entry. Throws
 * `InvalidRequest`.
 */
export class ContextWalk {
  readonly #root: string
  readonly #filter: ContextFilter
  readonly #folders: Array<Folder> = []
  readonly #scratch: FolderMatch
  #batch: Array<ContextEntry> = []

  constructor(root: string, filter: ContextFilter) {
    this.#root = root
    this.#filter = filter
    this.#scratch = emptyMatch(filter)
  }

  async *batches(): AsyncGenerator<ReadonlyArray<ContextEntry>, void> {
    this.#folders.push(await this.#open("", undefined, undefined, true))
    for (let folder = this.#folders.at(-1); folder !== undefined; folder = this.#folders.at(-1)) {
      await this.#step(folder)
      if (this.#batch.length >= batchLength) yield this.#handOut()
    }
    if (this.#batch.length > 0) yield this.#handOut()
  }

  #handOut(): ReadonlyArray<ContextEntry> {
    const batch = this.#batch
    this.#batch = []
    return batch
  }

  /** Goes on in a folder, up to its end, the next folder in it, or the end of what is known of its children. */
  async #step(folder: Folder): Promise<void> {
    while (folder.next < folder.children.length) {
      if (folder.next === folder.known + folder.stats.length) await this.#look(folder)
      const child = folder.children[folder.next]
      const stats = folder.stats[folder.next - folder.known]
      folder.next++
      if (child === undefined || stats === undefined) continue
      const entered = await this.#take(child, stats)
      if (entered !== undefined) return void this.#folders.push(entered)
      if (this.#batch.length >= batchLength) return
    }
    this.#folders.pop()
  }

  async #look(folder: Folder): Promise<void> {
    folder.known = folder.next
    folder.stats.length = 0
    folder.stats.push(...(await lstatAll(this.#root, folder.children.slice(folder.next, folder.next + parallel))))
  }

  /** Takes a child. Returns it opened if it is a folder. */
  async #take({ match, path, verdict }: Child, stats: BigIntStats | Error): Promise<Folder | undefined> {
    if (stats instanceof Error) {
      // It has vanished since the folder was read, so it is not part of the context.
      if (codeOf(stats) === "ENOENT") return undefined
      throw readError(this.#root, path, stats)
    }
    const target = stats.isSymbolicLink() ? await this.#linkTarget(path) : ""
    const entry = contextEntry(path, stats, target)
    if (verdict === "taken") {
      for (const above of this.#folders) this.#addFolder(above)
      this.#batch.push(entry)
    }
    if (entry.kind !== "directory" || match === undefined) return undefined
    return this.#open(path, verdict === "taken" ? undefined : entry, match, verdict === "taken")
  }

  #addFolder(folder: Folder): void {
    if (folder.entry === undefined) return
    this.#batch.push(folder.entry)
    folder.entry = undefined
  }

  async #linkTarget(path: string): Promise<string> {
    try {
      return await readlink(join(this.#root, path), "utf8")
    } catch (error) {
      throw readError(this.#root, path, error)
    }
  }

  async #open(
    path: string,
    entry: ContextEntry | undefined,
    match: FolderMatch | undefined,
    isTaken: boolean
  ): Promise<Folder> {
    const children = (await this.#read(path, isTaken)).flatMap((found): ReadonlyArray<Child> => {
      const name = decodeName(found.name)
      const child = childPath(path, name ?? Buffer.from(found.name, "latin1").toString("utf8"))
      const isFolder = found.isDirectory()
      const own = isFolder ? emptyMatch(this.#filter) : this.#scratch
      const verdict = judgePath(this.#filter, child, isFolder, match, own)
      if (verdict !== "skipped" && name === undefined) {
        throw contextError(
          this.#root,
          child,
          "its name is not valid UTF-8. Rename it, or exclude it with .dockerignore"
        )
      }
      return verdict === "skipped" ? [] : [{ path: child, verdict, match: isFolder ? own : undefined }]
    })
    return { path, children, stats: [], known: 0, next: 0, entry }
  }

  /** The names in a folder in the order of their bytes. */
  async #read(path: string, isTaken: boolean): Promise<ReadonlyArray<Dirent>> {
    try {
      const found = await readdir(join(this.#root, path), { withFileTypes: true, encoding: "latin1" })
      return found.toSorted((left, right) => (left.name < right.name ? -1 : 1))
    } catch (error) {
      const code = codeOf(error)
      if (path !== "" && code === "ENOENT") return []
      // Nothing of it may be wanted at all.
      if (!isTaken && code === "EACCES") return []
      throw readError(this.#root, path, error)
    }
  }
}
