import * as Effect from "effect/Effect"
import { InvalidRequest } from "../../DockerError.js"

interface Inode {
  /** Permission bits, including setuid, setgid and sticky. */
  mode: number
  uid: number
  gid: number
  /** Nanoseconds since the epoch. */
  modified: bigint
}

/** A regular file. */
export interface MemoryFile extends Inode {
  readonly kind: "file"
  readonly content: Uint8Array
}

/** A directory. */
export interface MemoryDirectory extends Inode {
  readonly kind: "directory"
  readonly children: Map<string, MemoryNode>
}

/** A symbolic link. */
export interface MemoryLink extends Inode {
  readonly kind: "symlink"
  readonly target: string
}

/** A special file without content. */
export interface MemoryDevice extends Inode {
  readonly kind: "pipe" | "character device" | "block device"
}

/** A node of a file system. */
export type MemoryNode = MemoryFile | MemoryDirectory | MemoryLink | MemoryDevice

/**
 * File contents by absolute path. Missing parent directories are created.
 *
 * @since 0.1.0
 * @category models
 */
export type FileContents = Readonly<Record<string, string | Uint8Array>>

/** Creates an empty directory. */
export const newDirectory = (modified: bigint, mode = 0o755): MemoryDirectory => ({
  kind: "directory",
  children: new Map(),
  mode,
  uid: 0,
  gid: 0,
  modified
})

/** A deep copy of a directory. */
export const cloneDirectory = (directory: MemoryDirectory): MemoryDirectory => ({
  ...directory,
  children: new Map(
    Array.from(directory.children, ([name, node]) => [
      name,
      node.kind === "directory" ? cloneDirectory(node) : { ...node }
    ])
  )
})

/** The segments of a path. */
export const pathSegments = (path: string): ReadonlyArray<string> => path.split("/").filter((segment) => segment !== "")

/** An absolute path without `.` and `..`. */
export const cleanPath = (path: string): string => {
  const segments: Array<string> = []
  for (const segment of pathSegments(path)) {
    if (segment === "..") segments.pop()
    else if (segment !== ".") segments.push(segment)
  }
  return `/${segments.join("/")}`
}

/** A node, and its path with all links resolved. */
export interface Found {
  readonly node: MemoryNode
  readonly path: string
}

/** Why no node was found at a path. */
export type LookupFailure = "missing" | "not a directory" | "too many levels of symbolic links"

/** As many links as Linux follows. */
const maxLinks = 40

/**
 * Looks a path up as the kernel does: links to directories on the way are followed, a link at the end only with `followLast`
 * or if the path ends with a slash.
 */
export const lookUp = (root: MemoryDirectory, path: string, followLast: boolean): Found | LookupFailure => {
  const rest = pathSegments(path).toReversed()
  const mustBeDirectory = path.endsWith("/")
  let trail: Array<{ readonly name: string; readonly node: MemoryNode }> = []
  let links = 0
  for (let segment = rest.pop(); segment !== undefined; segment = rest.pop()) {
    const current = trail.at(-1)?.node ?? root
    if (current.kind !== "directory") return "not a directory"
    if (segment === ".") continue
    if (segment === "..") {
      trail.pop()
      continue
    }
    const node = current.children.get(segment)
    if (node === undefined) return "missing"
    if (node.kind === "symlink" && (followLast || mustBeDirectory || rest.length > 0)) {
      if (++links > maxLinks) return "too many levels of symbolic links"
      if (node.target.startsWith("/")) trail = []
      rest.push(...pathSegments(node.target).toReversed())
    } else trail.push({ name: segment, node })
  }
  const node = trail.at(-1)?.node ?? root
  if (mustBeDirectory && node.kind !== "directory") return "not a directory"
  return { node, path: `/${trail.map(({ name }) => name).join("/")}` }
}

/** The path that a link finally leads to, whether or not it exists; `undefined` for a cycle. */
export const resolveLink = (root: MemoryDirectory, path: string): string | undefined => {
  const rest = pathSegments(path).toReversed()
  let resolved: Array<string> = []
  let links = 0
  for (let segment = rest.pop(); segment !== undefined; segment = rest.pop()) {
    if (segment === ".") continue
    if (segment === "..") {
      resolved.pop()
      continue
    }
    const found = lookUp(root, `/${[...resolved, segment].join("/")}`, false)
    if (typeof found === "string" || found.node.kind !== "symlink") {
      resolved.push(segment)
      continue
    }
    if (++links > maxLinks) return undefined
    if (found.node.target.startsWith("/")) resolved = []
    rest.push(...pathSegments(found.node.target).toReversed())
  }
  return `/${resolved.join("/")}`
}

/**
 * The directory at a path; created with its parents if it does not exist. `undefined` if something else is in the way. Links
 * are not followed.
 */
export const ensureDirectory = (root: MemoryDirectory, path: string, now: bigint): MemoryDirectory | undefined => {
  let directory = root
  for (const segment of pathSegments(path)) {
    const existing = directory.children.get(segment)
    if (existing !== undefined && existing.kind !== "directory") return undefined
    const next = existing ?? newDirectory(now)
    if (existing === undefined) {
      directory.children.set(segment, next)
      directory.modified = now
    }
    directory = next
  }
  return directory
}

/** Writes files, creating the directories they need. */
export const addFiles = (
  root: MemoryDirectory,
  contents: FileContents,
  now: bigint
): Effect.Effect<void, InvalidRequest> =>
  Effect.gen(function* () {
    for (const [path, content] of Object.entries(contents)) {
      const segments = pathSegments(cleanPath(path))
      const name = segments.at(-1)
      const directory = ensureDirectory(root, segments.slice(0, -1).join("/"), now)
      const invalid = (detail: string) => new InvalidRequest({ field: "files", value: path, detail })
      if (!path.startsWith("/") || path.endsWith("/") || name === undefined)
        return yield* invalid("must be the absolute path of a file")
      if (directory === undefined || directory.children.get(name)?.kind === "directory")
        return yield* invalid("a file and a directory cannot have the same path")
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : Uint8Array.from(content)
      directory.children.set(name, { kind: "file", content: bytes, mode: 0o644, uid: 0, gid: 0, modified: now })
      directory.modified = now
    }
  })

/** The total size of all files in a directory, in bytes. */
export const directorySize = (directory: MemoryDirectory): number =>
  [...directory.children.values()].reduce(
    (sum, node) =>
      sum + (node.kind === "directory" ? directorySize(node) : node.kind === "file" ? node.content.length : 0),
    0
  )
