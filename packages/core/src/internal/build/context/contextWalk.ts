import { type BigIntStats, type Dirent, lstat, lstatSync, readdirSync, readlinkSync } from "node:fs"
import { readdir, readlink } from "node:fs/promises"
import { isUtf8 } from "node:buffer"
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
import { LoopTurn } from "./loopTurn.js"

/** How many files are looked at at the same time, if that may take a while. */
const parallel = 64
/** How many names are judged at the same time. */
const maxNames = 512
/** After how many entries a batch is handed out. */
const batchLength = 256
/** The size in bytes up to which a folder is read without waiting. It then has some hundred names. */
const smallFolder = 16 * 1024

interface Child {
  readonly path: string
  readonly verdict: PathVerdict
  /** Of a folder. */
  readonly match: FolderMatch | undefined
  stats: BigIntStats | Error | undefined
}

/** A folder that is being read. */
interface Folder {
  readonly path: string
  readonly match: FolderMatch | undefined
  readonly names: ReadonlyArray<Dirent>
  /** The first of the names that has not been judged. */
  nextName: number
  /** Those of the names before it that are not skipped. */
  children: ReadonlyArray<Child>
  /** The first of the children that has not been taken. */
  nextChild: number
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

const lstatLater = (path: string): Promise<BigIntStats | Error> =>
  new Promise((resolve) => lstat(path, { bigint: true }, (error, stats) => resolve(error ?? stats)))

const lstatNow = (path: string): BigIntStats | Error => {
  try {
    return lstatSync(path, { bigint: true })
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** Names are read as one character for each byte. */
const readOptions = { withFileTypes: true, encoding: "latin1" } as const

/**
 * Reads a context from the top down, the names in a folder in the order of their bytes, as BuildKit wants them. Links are not
 * followed, and folders in which nothing can be taken are not read. Hands out batches, of at least one entry. Throws
 * `InvalidRequest`.
 *
 * What is local is read without waiting, in short turns, which takes a fraction of the processor time.
 */
export class ContextWalk {
  readonly #root: string
  readonly #filter: ContextFilter
  readonly #isLocal: (path: string) => boolean
  readonly #folders: Array<Folder> = []
  readonly #scratch: FolderMatch
  readonly #turn = new LoopTurn()
  #batch: Array<ContextEntry> = []

  constructor(root: string, filter: ContextFilter, isLocal: (path: string) => boolean) {
    this.#root = root
    this.#filter = filter
    this.#isLocal = isLocal
    this.#scratch = emptyMatch(filter)
  }

  async *batches(): AsyncGenerator<ReadonlyArray<ContextEntry>, void> {
    this.#folders.push(await this.#open("", undefined))
    for (let folder = this.#folders.at(-1); folder !== undefined; folder = this.#folders.at(-1)) {
      await this.#step(folder)
      if (this.#batch.length >= batchLength) yield this.#handOut()
    }
    if (this.#batch.length > 0) yield this.#handOut()
  }

  /** Hands out nothing more. */
  stop(): void {
    this.#folders.length = 0
    this.#batch = []
  }

  #handOut(): ReadonlyArray<ContextEntry> {
    const batch = this.#batch
    this.#batch = []
    return batch
  }

  /** Goes on in a folder, up to its end, the next folder in it, or the end of what is known of its children. */
  async #step(folder: Folder): Promise<void> {
    if (folder.nextChild === folder.children.length) {
      if (folder.nextName === folder.names.length) return void this.#folders.pop()
      await this.#look(folder)
    }
    while (folder.nextChild < folder.children.length) {
      const child = folder.children[folder.nextChild++]
      const found = child === undefined ? undefined : this.#found(child)
      if (child === undefined || found === undefined) continue
      const entry = found.kind === "symlink" ? { ...found, linkTarget: await this.#linkTarget(child.path) } : found
      if (child.verdict === "taken") this.#add(entry)
      if (entry.kind !== "directory" || child.match === undefined) continue
      const entered = await this.#open(child.path, child.verdict === "taken" ? undefined : entry, child)
      return void this.#folders.push(entered)
    }
  }

  /** Judges the next names in a folder, and looks at those that are not skipped. */
  async #look(folder: Folder): Promise<void> {
    if (this.#turn.isOver) await this.#turn.next()
    const children: Array<Child> = []
    const later: Array<Promise<void>> = []
    for (let judged = 0; judged < maxNames && children.length < parallel; judged++) {
      const found = folder.names[folder.nextName]
      if (found === undefined) break
      folder.nextName++
      const child = this.#judge(folder, found)
      if (child === undefined) continue
      children.push(child)
      const path = `${this.#root}/${child.path}`
      // A disk may take long, too. Then it is asked for the rest at the same time.
      if (this.#isLocal(child.path) && !this.#turn.isOver) child.stats = lstatNow(path)
      else later.push(lstatLater(path).then((stats) => void (child.stats = stats)))
    }
    if (later.length > 0) await Promise.all(later)
    folder.children = children
    folder.nextChild = 0
  }

  #judge({ match, path }: Folder, found: Dirent): Child | undefined {
    const name = decodeName(found.name)
    const child = childPath(path, name ?? Buffer.from(found.name, "latin1").toString("utf8"))
    const isFolder = found.isDirectory()
    const own = isFolder ? emptyMatch(this.#filter) : this.#scratch
    const verdict = judgePath(this.#filter, child, isFolder, match, own)
    if (verdict === "skipped") return undefined
    if (name === undefined) {
      throw contextError(this.#root, child, "its name is not valid UTF-8. Rename it, or exclude it with .dockerignore")
    }
    return { path: child, verdict, match: isFolder ? own : undefined, stats: undefined }
  }

  /** What was found, but for the target of a link. `undefined` if it has vanished: then it is not part of the context. */
  #found({ path, stats }: Child): ContextEntry | undefined {
    if (stats === undefined || (stats instanceof Error && codeOf(stats) === "ENOENT")) return undefined
    if (stats instanceof Error) throw readError(this.#root, path, stats)
    return contextEntry(path, stats)
  }

  /** Takes an entry, after the folders that it is in. */
  #add(entry: ContextEntry): void {
    for (const folder of this.#folders) {
      if (folder.entry === undefined) continue
      this.#batch.push(folder.entry)
      folder.entry = undefined
    }
    this.#batch.push(entry)
  }

  async #linkTarget(path: string): Promise<string> {
    const absolute = `${this.#root}/${path}`
    try {
      return this.#isLocal(path) ? readlinkSync(absolute, "utf8") : await readlink(absolute, "utf8")
    } catch (error) {
      throw readError(this.#root, path, error)
    }
  }

  /** Opens a folder: that of a child, or the context itself. */
  async #open(path: string, entry: ContextEntry | undefined, child?: Child): Promise<Folder> {
    const names = await this.#read(path, child)
    return { path, match: child?.match, names, nextName: 0, children: [], nextChild: 0, entry }
  }

  /** The names in a folder in the order of their bytes. */
  async #read(path: string, child: Child | undefined): Promise<ReadonlyArray<Dirent>> {
    const absolute = `${this.#root}/${path}`
    const size = child === undefined || child.stats instanceof Error ? undefined : child.stats?.size
    const isQuick = size !== undefined && size <= smallFolder && this.#isLocal(path)
    try {
      const found = isQuick ? readdirSync(absolute, readOptions) : await readdir(absolute, readOptions)
      return found.sort((left, right) => (left.name < right.name ? -1 : 1))
    } catch (error) {
      const code = codeOf(error)
      if (path !== "" && code === "ENOENT") return []
      // Nothing of it may be wanted at all.
      if (child?.verdict === "entered" && code === "EACCES") return []
      throw readError(this.#root, path, error)
    }
  }
}
