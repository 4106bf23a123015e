import { execFile } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"

const run = promisify(execFile)

/** A file system of its own, in memory. */
export interface SmallDisk {
  readonly folder: string
  /** Mounts it again with other options, such as `ro` or `size=64m`. */
  readonly remount: (options: string) => Promise<void>
  readonly remove: () => Promise<void>
}

/** Mounts one with these options of tmpfs. Needs root. */
export const makeSmallDisk = async (options: string): Promise<SmallDisk> => {
  const folder = await mkdtemp(join(tmpdir(), "dockwire-disk-"))
  await run("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder])
  return {
    folder,
    remount: async (next) => {
      await run("mount", ["-o", `remount,${next}`, "tmpfs", folder])
    },
    remove: async () => {
      // A server that was killed may still have a file open.
      await run("umount", ["--lazy", folder])
      await rm(folder, { recursive: true, force: true })
    }
  }
}
