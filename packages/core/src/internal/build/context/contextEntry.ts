import { type BigIntStats, constants } from "node:fs"

/** Something in a build context. */
export interface ContextEntry {
  /** Relative to the context, with slashes. */
  readonly path: string
  readonly kind: "file" | "directory" | "symlink" | "fifo" | "socket" | "character-device" | "block-device"
  /** The permission bits with set-user-ID, set-group-ID and sticky. */
  readonly mode: number
  /** Of a file, in bytes. */
  readonly size: number
  /** Nanoseconds since 1970. */
  readonly modified: bigint
  /** Where a symbolic link leads to, else empty. */
  readonly linkTarget: string
  readonly deviceMajor: number
  readonly deviceMinor: number
}

const kinds = new Map<number, ContextEntry["kind"]>([
  [constants.S_IFREG, "file"],
  [constants.S_IFDIR, "directory"],
  [constants.S_IFLNK, "symlink"],
  [constants.S_IFIFO, "fifo"],
  [constants.S_IFSOCK, "socket"],
  [constants.S_IFCHR, "character-device"],
  [constants.S_IFBLK, "block-device"]
])

/** What was found at a path, but for the target of a link. */
export const contextEntry = (path: string, stats: BigIntStats): ContextEntry => {
  const type = Number(stats.mode)
  const kind = kinds.get(type & constants.S_IFMT) ?? "block-device"
  const device = kind.endsWith("-device") ? Number(stats.rdev) : 0
  return {
    path,
    kind,
    mode: type % 0o10000,
    size: kind === "file" ? Number(stats.size) : 0,
    modified: stats.mtimeNs,
    linkTarget: "",
    // As Linux packs them, for numbers below 2^32.
    deviceMajor: (device >>> 8) & 0xfff,
    deviceMinor: (device & 0xff) | ((device >>> 12) & 0xfff00)
  }
}
