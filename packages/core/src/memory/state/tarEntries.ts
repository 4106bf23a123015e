import type { TarEntry } from "../../internal/tar/packTar.js"
import type { MemoryNode } from "./fileTree.js"

const tarTypes = {
  file: "file",
  directory: "directory",
  symlink: "symlink",
  pipe: "fifo",
  "character device": "character-device",
  "block device": "block-device"
} as const

/** The tar entries of a node. `written` holds the files so far by name: a second name becomes a hard link. */
export function* tarEntries(
  path: string,
  node: MemoryNode,
  written = new Map<MemoryNode, string>()
): Generator<TarEntry> {
  const { gid, kind, mode, modified, uid } = node
  const name = kind === "directory" && !path.endsWith("/") ? `${path}/` : path
  const header = { name, type: tarTypes[kind], mode, uid, gid, mtime: new Date(Number(modified / 1_000_000n)) }
  if (node.kind === "symlink") yield { header: { ...header, linkname: node.target } }
  else if (node.kind === "file") {
    const linkname = written.get(node)
    written.set(node, linkname ?? name)
    yield linkname === undefined ? { header, content: node.content } : { header: { ...header, type: "link", linkname } }
  } else yield { header }
  if (node.kind !== "directory") return
  for (const [childName, child] of [...node.children].toSorted(([left], [right]) => (left < right ? -1 : 1))) {
    yield* tarEntries(`${name}${childName}`, child, written)
  }
}
