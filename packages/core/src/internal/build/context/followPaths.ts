import { lstat, readdir, readlink } from "node:fs/promises"
import { join, posix } from "node:path"
import { codeOf, readError } from "./contextError.js"
import { parsePattern } from "../patterns/pathPattern.js"

const isMissing = (error: unknown): boolean => ["ENOENT", "ENOTDIR"].includes(codeOf(error))

/** How many links a set of paths may lead through: each is followed once, so only a hostile context has more. */
const maxPaths = 10_000

/**
 * Finds what a build needs for the paths that it copies: the paths, and, where a part of one is a symbolic link, what the link
 * leads to. A link is read as in a container that has the context as its root, so that none leads out of it: `..` ends at the
 * root. The results are patterns; `undefined` stands for all of the context. Throws `InvalidRequest`.
 */
export class FollowedPaths {
  readonly #root: string
  readonly #found = new Set<string>()

  constructor(root: string) {
    this.#root = root
  }

  async resolve(paths: ReadonlyArray<string>): Promise<ReadonlyArray<string> | undefined> {
    const waiting = [...paths]
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) waiting.push(...(await this.#follow(path)))
    return this.#found.has(".") ? undefined : [...this.#found].toSorted()
  }

  /** Follows a path up to its end or the first link. Returns where that leads to. */
  async #follow(path: string): Promise<ReadonlyArray<string>> {
    const segments = posix.normalize(`/${path}`).split("/").filter(Boolean)
    if (segments.length === 0) this.#found.add(".")
    for (let depth = 1; depth <= segments.length; depth++) {
      const current = segments.slice(0, depth).join("/")
      const targets = await this.#targets(segments.slice(0, depth - 1).join("/"), segments[depth - 1] ?? "")
      if (targets.length === 0 && depth < segments.length) continue
      if (this.#found.has(current) || this.#found.size >= maxPaths) return []
      this.#found.add(current)
      return targets.map((target) => [target, ...segments.slice(depth)].join("/"))
    }
    return []
  }

  /** Where the links with this name in a folder lead to. The name may have wildcards. */
  async #targets(folder: string, name: string): Promise<ReadonlyArray<string>> {
    if (!/[*?[]/.test(name.replaceAll(/\\./g, ""))) return this.#target(folder, name)
    const pattern = parsePattern(name)
    if (typeof pattern !== "object") return []
    try {
      const names = await readdir(join(this.#root, folder), { withFileTypes: true })
      const links = names.filter((found) => found.isSymbolicLink() && pattern.matches(found.name))
      return (await Promise.all(links.map((link) => this.#target(folder, link.name)))).flat()
    } catch (error) {
      if (isMissing(error)) return []
      throw readError(this.#root, folder, error)
    }
  }

  async #target(folder: string, name: string): Promise<ReadonlyArray<string>> {
    const path = posix.join(folder, name)
    try {
      if (!(await lstat(join(this.#root, path))).isSymbolicLink()) return []
      const target = await readlink(join(this.#root, path), "utf8")
      return [target.startsWith("/") ? target : posix.join("/", folder, target)]
    } catch (error) {
      if (isMissing(error)) return []
      throw readError(this.#root, path, error)
    }
  }
}
