import type { Header } from "tar-stream"

/** How many links Linux follows to resolve one path. */
const maxLinks = 40

/** The segments of a relative path, or `undefined` if one of them is `..`. */
const segmentsOf = (path: string): ReadonlyArray<string> | undefined => {
  const segments = path.split("/").filter((segment) => segment !== "" && segment !== ".")
  return segments.includes("..") ? undefined : segments
}

/**
 * Follows the paths in an archive, and finds those that would be extracted outside of the target directory: directly, or
 * through a link that an earlier entry created.
 */
export class TarPaths {
  /** The targets of the symbolic links so far, by path. */
  readonly #links = new Map<string, string>()

  /** Why an entry must not be extracted, or `undefined` if it may. Takes the entries in the order of the archive. */
  rejection({ linkname, name, type }: Pick<Header, "linkname" | "name" | "type">): string | undefined {
    if (name.startsWith("/")) return "the path of the entry is absolute"
    const segments = segmentsOf(name)
    if (segments === undefined) return 'the path of the entry contains ".."'
    const directory = this.#resolve(type === "symlink" || type === "link" ? segments.slice(0, -1) : segments)
    if (directory === undefined) return "the path of the entry leads out of the target directory through a link"
    if (type !== "symlink" && type !== "link") return undefined
    const last = segments.at(-1)
    if (last === undefined) return "the path of the entry leads out of the target directory through a link"
    const path = [...directory, last].join("/")
    if (type === "link") return this.#linkRejection(path, directory, linkname)
    // A symbolic link may lead anywhere, as long as nothing is extracted through it.
    this.#links.set(path, linkname)
    return undefined
  }

  #linkRejection(path: string, directory: ReadonlyArray<string>, target: string): string | undefined {
    const segments = target.startsWith("/") ? undefined : segmentsOf(target)
    const targetDirectory = segments === undefined ? undefined : this.#resolve(segments.slice(0, -1))
    const targetName = segments?.at(-1)
    if (targetDirectory === undefined || targetName === undefined)
      return `the entry is a hard link to a file outside of the target directory, ${JSON.stringify(target)}`
    const symbolicTarget = this.#links.get([...targetDirectory, targetName].join("/"))
    if (symbolicTarget === undefined) this.#links.delete(path)
    else if (targetDirectory.join("/") === directory.join("/")) this.#links.set(path, symbolicTarget)
    else return `the entry is a hard link to a symbolic link in another directory, ${JSON.stringify(target)}`
    return undefined
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
      const target = this.#links.get([...resolved, segment].join("/"))
      if (target === undefined) {
        resolved.push(segment)
        continue
      }
      if (target.startsWith("/") || ++links > maxLinks) return undefined
      remaining.push(...target.split("/").toReversed())
    }
    return resolved
  }
}
