import type { TarHeader } from "./tarHeader.js"

/** How many links Linux follows to resolve one path. */
const maxLinks = 40

const leadsOut = "the path of the entry leads out of the target directory through a link"

/** The segments of a relative path, or `undefined` if one of them is `..`. */
const segmentsOf = (path: string): ReadonlyArray<string> | undefined => {
  const segments = path.split("/").filter((segment) => segment !== "" && segment !== ".")
  return segments.includes("..") ? undefined : segments
}

const utf8 = (bytes: string): string => Buffer.from(bytes, "latin1").toString("utf8")

/** What is at a path of the target directory: a directory, something else, or a symbolic link. */
export type TarPathNode = "directory" | "other" | SymbolicLink

interface SymbolicLink {
  readonly target: string
  /** Whether it was there before the archive was extracted. */
  readonly isExisting: boolean
}

/**
 * Follows the paths in an archive, and finds those that would be extracted outside of the target directory: directly, or
 * through a link. It knows the links that the archive itself creates, and those in the target directory that it is told of.
 */
export class TarPaths {
  /** The directories and symbolic links by path. Files are left out, so that memory does not grow with their number. */
  readonly #nodes = new Map<string, TarPathNode>()
  /** Directories that do not exist before the archive is extracted: nothing but the archive puts links into them. */
  readonly #created = new Set<string>()

  /**
   * Why an entry must not be extracted, or `undefined` if it may. Takes the entries in the order of the archive, and
   * records what they create.
   */
  rejection(header: Pick<TarHeader, "linkName" | "name" | "type">): string | undefined {
    const { linkName, name, type } = header
    if (name.startsWith("/")) return "the path of the entry is absolute"
    const segments = segmentsOf(name)
    if (segments === undefined) return 'the path of the entry contains ".."'
    const parent = this.#resolve(segments.slice(0, -1))
    const last = segments.at(-1)
    if (parent === undefined) return leadsOut
    // The target directory itself.
    if (last === undefined) return type === "directory" ? undefined : leadsOut
    const path = [...parent, last].join("/")
    const isLink = type === "link" || type === "symlink"
    const existing = this.#nodes.get(path)
    if (typeof existing === "object" && !existing.isExisting && !isLink)
      // Some programs write through the link, and others replace it.
      return this.#resolve([...parent, last]) === undefined
        ? leadsOut
        : "the path of the entry is that of an earlier symbolic link in the archive"
    // What was found out about the paths in it would no longer hold.
    if (existing === "directory" && type !== "directory")
      return "the entry replaces a directory that an earlier entry of the archive is in"
    const linkRejection = type === "link" ? this.#linkRejection(linkName) : undefined
    if (linkRejection !== undefined) return linkRejection
    this.#addDirectories(parent)
    const target = type === "link" ? this.symbolicTarget(linkName) : type === "symlink" ? linkName : undefined
    // A symbolic link may lead anywhere, as long as nothing is extracted through it.
    if (target !== undefined) this.#nodes.set(path, { target, isExisting: false })
    else if (type === "directory") this.#nodes.set(path, "directory")
    else this.#nodes.delete(path)
    return undefined
  }

  /** The target of the archive's symbolic link that a hard link repeats, or `undefined` if it repeats something else. */
  symbolicTarget(linkName: string): string | undefined {
    const path = this.#linkedPath(linkName)
    const node = path === undefined ? undefined : this.#nodes.get(path.join("/"))
    return typeof node === "object" && !node.isExisting ? node.target : undefined
  }

  /**
   * The first directory on the way to an entry, or to what a hard link repeats, of which it is not known whether it is a
   * link in the target directory. Describe it with `addExisting`, then ask again.
   */
  unknownDirectory({ linkName, name, type }: Pick<TarHeader, "linkName" | "name" | "type">): string | undefined {
    for (const path of type === "link" ? [name, linkName] : [name]) {
      const directories = this.#resolve((segmentsOf(path) ?? []).slice(0, -1)) ?? []
      for (let depth = 1; depth <= directories.length; depth++) {
        const directory = directories.slice(0, depth).join("/")
        if (this.#created.has(directory)) break
        if (!this.#nodes.has(directory)) return directory
      }
    }
    return undefined
  }

  /** Describes a path of the target directory as it is before the archive is extracted. */
  addExisting(path: string, node: "missing" | TarPathNode): void {
    if (node === "missing") this.#created.add(path)
    this.#nodes.set(path, node === "missing" ? "directory" : node)
  }

  #addDirectories(segments: ReadonlyArray<string>): void {
    for (let depth = segments.length; depth > 0; depth--) {
      const path = segments.slice(0, depth).join("/")
      if (this.#nodes.has(path)) return
      this.#nodes.set(path, "directory")
    }
  }

  /** The path that a hard link repeats, or `undefined` if it is outside of the target directory. */
  #linkedPath(linkName: string): ReadonlyArray<string> | undefined {
    const segments = linkName.startsWith("/") ? undefined : segmentsOf(linkName)
    const directory = segments === undefined ? undefined : this.#resolve(segments.slice(0, -1))
    const last = segments?.at(-1)
    return directory === undefined || last === undefined ? undefined : [...directory, last]
  }

  #linkRejection(linkName: string): string | undefined {
    return this.#linkedPath(linkName) === undefined
      ? `the entry is a hard link to a file outside of the target directory, ${JSON.stringify(utf8(linkName))}`
      : undefined
  }

  /** Resolves the links in a path. Returns `undefined` if it leads out of the target directory. */
  #resolve(segments: ReadonlyArray<string>): ReadonlyArray<string> | undefined {
    const resolved: Array<string> = []
    const remaining = segments.toReversed()
    for (let links = 0; remaining.length > 0;) {
      const segment = remaining.pop()
      if (segment === undefined || segment === "" || segment === ".") continue
      if (segment === "..") {
        if (resolved.pop() === undefined) return undefined
        continue
      }
      const node = this.#nodes.get([...resolved, segment].join("/"))
      if (typeof node !== "object") {
        resolved.push(segment)
        continue
      }
      if (node.target.startsWith("/") || ++links > maxLinks) return undefined
      remaining.push(...node.target.split("/").toReversed())
    }
    return resolved
  }
}
