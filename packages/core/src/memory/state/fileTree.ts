interface Inode {
  /** Permissions, with set-user-id, set-group-id and sticky. */
  mode: number
  uid: number
  gid: number
  /** Nanoseconds since the epoch. */
  modified: bigint
}

/** A file. */
export interface MemoryFile extends Inode {
  readonly kind: "file"
  readonly content: Uint8Array
}

/** A folder. */
export interface MemoryDirectory extends Inode {
  readonly kind: "directory"
  readonly children: Map<string, MemoryNode>
}

/** A symbolic link. */
export interface MemoryLink extends Inode {
  readonly kind: "symlink"
  readonly target: string
}

/** What has a name only. */
export interface MemoryDevice extends Inode {
  readonly kind: "pipe" | "character device" | "block device"
}

/** What stands at a path. */
export type MemoryNode = MemoryFile | MemoryDirectory | MemoryLink | MemoryDevice

/** A folder with nothing in it. */
export const newDirectory = (modified: bigint, mode = 0o755): MemoryDirectory => ({
  kind: "directory",
  children: new Map(),
  mode,
  uid: 0,
  gid: 0,
  modified
})

/** The same again, of which a change is none of the other. */
export const cloneDirectory = (folder: MemoryDirectory): MemoryDirectory => ({
  ...folder,
  children: new Map(
    Array.from(folder.children, ([name, node]) => [
      name,
      node.kind === "directory" ? cloneDirectory(node) : { ...node }
    ])
  )
})

/** The parts of a path. */
export const pathSegments = (path: string): ReadonlyArray<string> => path.split("/").filter((part) => part !== "")

/** A path from the root, with no `.` and `..` in it. */
export const cleanPath = (path: string): string => {
  const place: Array<string> = []
  for (const part of pathSegments(path)) {
    if (part === "..") place.pop()
    else if (part !== ".") place.push(part)
  }
  return `/${place.join("/")}`
}

/** What was found, and where it is when all links are followed. */
export interface Found {
  readonly node: MemoryNode
  readonly path: string
}

/** Why nothing was. */
export type NotFound = "missing" | "not a directory" | "too many levels of symbolic links"

/** As many links as Linux follows. */
const mostHops = 40

/** What stands at a path, as the kernel finds it: links in its folders are followed, the last one where that is asked. */
export const lookUp = (root: MemoryDirectory, path: string, followLast: boolean): Found | NotFound => {
  const rest = pathSegments(path).toReversed()
  const mustBeFolder = path.endsWith("/")
  let place: Array<{ readonly name: string; readonly node: MemoryNode }> = []
  let hops = 0
  for (let part = rest.pop(); part !== undefined; part = rest.pop()) {
    const at = place.at(-1)?.node ?? root
    if (at.kind !== "directory") return "not a directory"
    if (part === ".") continue
    if (part === "..") {
      place.pop()
      continue
    }
    const node = at.children.get(part)
    if (node === undefined) return "missing"
    if (node.kind === "symlink" && (followLast || mustBeFolder || rest.length > 0)) {
      if (++hops > mostHops) return "too many levels of symbolic links"
      if (node.target.startsWith("/")) place = []
      rest.push(...pathSegments(node.target).toReversed())
    } else place.push({ name: part, node })
  }
  const node = place.at(-1)?.node ?? root
  if (mustBeFolder && node.kind !== "directory") return "not a directory"
  return { node, path: `/${place.map(({ name }) => name).join("/")}` }
}

/** Where a link leads in the end, whether something is there or not; `undefined` where it never ends. */
export const resolveLink = (root: MemoryDirectory, path: string): string | undefined => {
  const rest = pathSegments(path).toReversed()
  let place: Array<string> = []
  let hops = 0
  for (let part = rest.pop(); part !== undefined; part = rest.pop()) {
    if (part === ".") continue
    if (part === "..") {
      place.pop()
      continue
    }
    const found = lookUp(root, `/${[...place, part].join("/")}`, false)
    if (typeof found === "string" || found.node.kind !== "symlink") {
      place.push(part)
      continue
    }
    if (++hops > mostHops) return undefined
    if (found.node.target.startsWith("/")) place = []
    rest.push(...pathSegments(found.node.target).toReversed())
  }
  return `/${place.join("/")}`
}

/** The folder at a path, which is made with those above it where it is missing; `undefined` where something else stands. */
export const ensureDirectory = (root: MemoryDirectory, path: string, now: bigint): MemoryDirectory | undefined => {
  let folder = root
  for (const part of pathSegments(path)) {
    const there = folder.children.get(part)
    if (there !== undefined && there.kind !== "directory") return undefined
    const next = there ?? newDirectory(now)
    if (there === undefined) {
      folder.children.set(part, next)
      folder.modified = now
    }
    folder = next
  }
  return folder
}

/** The bytes of all files in a folder. */
export const sizeOf = (folder: MemoryDirectory): number =>
  [...folder.children.values()].reduce(
    (sum, node) => sum + (node.kind === "directory" ? sizeOf(node) : node.kind === "file" ? node.content.length : 0),
    0
  )

/** What became of a path: changed, added or removed, by the engine's numbers. */
export interface Change {
  readonly Path: string
  readonly Kind: 0 | 1 | 2
  /** What stands there now. */
  readonly node: MemoryNode | undefined
}

const isSame = (before: MemoryNode, after: MemoryNode): boolean =>
  before.kind === after.kind &&
  before.modified === after.modified &&
  before.mode === after.mode &&
  before.uid === after.uid &&
  before.gid === after.gid &&
  (before.kind !== "file" || (after.kind === "file" && before.content === after.content)) &&
  (before.kind !== "symlink" || (after.kind === "symlink" && before.target === after.target))

/** In what a folder differs from what it was, but for what is in the mounts. */
export const changesOf = (
  before: MemoryDirectory | undefined,
  after: MemoryDirectory,
  mounts: ReadonlySet<string>,
  at = ""
): ReadonlyArray<Change> => {
  const names = new Set([...(before?.children.keys() ?? []), ...after.children.keys()])
  return [...names].toSorted().flatMap((name): ReadonlyArray<Change> => {
    const path = `${at}/${name}`
    const old = before?.children.get(name)
    const node = after.children.get(name)
    if (node === undefined) return [{ Path: path, Kind: 2, node }]
    const own: ReadonlyArray<Change> =
      old === undefined
        ? [{ Path: path, Kind: 1, node }]
        : isSame(old, node) || mounts.has(path)
          ? []
          : [{ Path: path, Kind: 0, node }]
    if (node.kind !== "directory" || mounts.has(path)) return own
    return [...own, ...changesOf(old?.kind === "directory" ? old : undefined, node, mounts, path)]
  })
}
