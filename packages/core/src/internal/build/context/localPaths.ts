import { readFile } from "node:fs/promises"

/** Types of file systems on disks and in memory of this machine. */
const localTypes = new Set(["bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "xfs", "zfs"])

interface Mount {
  readonly point: string
  readonly type: string
}

/** A line of mountinfo: `36 35 98:0 / /mnt rw,noatime master:1 - ext4 /dev/sda1 rw`, with spaces in octal. */
const readMount = (line: string): ReadonlyArray<Mount> => {
  const [before = "", after = ""] = line.split(" - ")
  const point = before
    .split(" ")[4]
    ?.replaceAll(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)))
  return point === undefined ? [] : [{ point, type: after.split(" ")[0] ?? "" }]
}

/**
 * Which paths in a folder are on a file system that answers at once, so that its files can be read without waiting, which
 * takes a fraction of the processor time. That of a network, or of another process, may keep this one waiting for ever. Only
 * Linux tells; elsewhere no path counts as local.
 */
export const findLocalPaths = async (root: string): Promise<(path: string) => boolean> => {
  const text = await readFile("/proc/self/mountinfo", "utf8").catch(() => "")
  const mounts = text.split("\n").flatMap(readMount)
  const inside = (folder: string) => (folder.endsWith("/") ? folder : `${folder}/`)
  const above = mounts.filter(({ point }) => point === root || root.startsWith(inside(point)))
  const own = above.toSorted((left, right) => left.point.length - right.point.length).at(-1)
  if (own === undefined || !localTypes.has(own.type)) return () => false
  const below = mounts
    .filter(({ point }) => point.startsWith(inside(root)) && point !== root)
    .map(({ point }) => point.slice(inside(root).length))
  return (path) => !below.some((mount) => path === mount || path.startsWith(`${mount}/`))
}
