import type { BigIntStats } from "node:fs"

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

const kindOf = (stats: BigIntStats): ContextEntry["kind"] =>
  stats.isFile()
    ? "file"
    : stats.isDirectory()
      ? "directory"
      : stats.isSymbolicLink()
        ? "symlink"
        : stats.isFIFO()
          ? "fifo"
          : stats.isSocket()
            ? "socket"
            : stats.isCharacterDevice()
              ? "character-device"
              : "block-device"

export const contextEntry = (path: string, stats: BigIntStats, linkTarget: string): ContextEntry => {
  const kind = kindOf(stats)
  const device = kind.endsWith("-device") ? Number(stats.rdev) : 0
  return {
    path,
    kind,
    mode: Number(stats.mode) % 0o10000,
    size: kind === "file" ? Number(stats.size) : 0,
    modified: stats.mtimeNs,
    linkTarget,
    // As Linux packs them, for numbers below 2^32.
    deviceMajor: (device >>> 8) & 0xfff,
    deviceMinor: (device & 0xff) | ((device >>> 12) & 0xfff00)
  }
}
