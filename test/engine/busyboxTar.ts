import { execFile } from "node:child_process"
import { chmod, mkdir, rm, symlink } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"

const run = promisify(execFile)

/** Writes a root file system as a tar: busybox, a link for each of its commands, and the usual empty directories. */
export const writeBusyboxTar = async (root: string): Promise<void> => {
  const tree = join(root, "busybox-tree")
  for (const folder of ["bin", "tmp", "etc", "proc", "sys", "dev"]) {
    await mkdir(join(tree, folder), { recursive: true })
  }
  await chmod(join(tree, "tmp"), 0o1777)
  const binary = join(root, "bin/busybox")
  await run("cp", [binary, join(tree, "bin/busybox")])
  const names = (await run(binary, ["--list"])).stdout.split("\n").filter((name) => name !== "" && name !== "busybox")
  for (const name of names) await symlink("busybox", join(tree, "bin", name))
  const owner = ["--owner=0", "--group=0", "--numeric-owner"]
  await run("tar", ["-C", tree, ...owner, "-cf", join(root, "busybox.tar"), "."])
  await rm(tree, { recursive: true, force: true })
}
