import { cleanPath, type MemoryDirectory, type MemoryNode } from "../state/fileTree.js"
import type { MemoryContainer } from "../state/memoryContainer.js"

/** A change to a path. `Kind` is 0 for a modified, 1 for an added and 2 for a deleted path. */
export interface Change {
  readonly Path: string
  readonly Kind: 0 | 1 | 2
  /** The node now at the path. */
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

/** The differences between two directories, ignoring the content of mounts. */
const diff = (
  before: MemoryDirectory | undefined,
  after: MemoryDirectory,
  mounts: ReadonlySet<string>,
  parent = ""
): ReadonlyArray<Change> => {
  const names = new Set([...(before?.children.keys() ?? []), ...after.children.keys()])
  return [...names].toSorted().flatMap((name): ReadonlyArray<Change> => {
    const path = `${parent}/${name}`
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
    return [...own, ...diff(old?.kind === "directory" ? old : undefined, node, mounts, path)]
  })
}

/** The paths that differ between a container and its image. */
export const containerChanges = ({ files, image, mounts }: MemoryContainer): ReadonlyArray<Change> =>
  diff(image.files, files, new Set(mounts.map(({ target }) => cleanPath(target))))

/** The size of a container's writable layer, in bytes. */
export const writableLayerSize = (container: MemoryContainer): number =>
  containerChanges(container).reduce((sum, { node }) => sum + (node?.kind === "file" ? node.content.length : 0), 0)
