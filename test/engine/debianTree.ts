import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { debianMirror, machineApt, packagesUnavailable } from "./debianPackages.js"
import { engineCache } from "./engineFolders.js"
import { withFileLock } from "./fileLock.js"

const execute = promisify(execFile)
const run = (command: string, args: ReadonlyArray<string>, options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) =>
  execute(command, args, { ...options, maxBuffer: 1 << 28 })

/** The Debian that the trees are of. */
export const treeSuite = "trixie"
const layout = 3
/** What a test installs, fetched beforehand: their `.deb` files lie in the tree where apt looks first. */
const fetched = ["docker.io", "docker-cli", "docker-compose", "docker-buildx"]

/** Why no tree can be had here, `undefined` when one can. */
export const debianTreeUnavailable = packagesUnavailable

/** This machine's settings of how apt fetches: proxies, and checks that it does without. They go nowhere but into a container. */
export const machineAptSettings = async (): Promise<string> => {
  const { stdout } = await run("apt-config", ["dump", "Acquire"])
  const kept = /^Acquire::(http|https|ftp|Check-Date|Check-Valid-Until|Retries|ForceIPv4)(::|\s)/
  return stdout
    .split("\n")
    .filter((line) => kept.test(line))
    .map((line) => `${line}\n`)
    .join("")
}

/** Debootstrap itself, unpacked, not installed. */
const obtainDebootstrap = async (work: string): Promise<string> => {
  await machineApt(["download", "debootstrap"], work)
  await run("sh", ["-c", "exec dpkg -x debootstrap_*.deb debootstrap"], { cwd: work })
  return join(work, "debootstrap")
}

const makeTree = async (tar: string): Promise<void> => {
  await mkdir(engineCache(), { recursive: true })
  const work = await mkdtemp(join(engineCache(), "debian-tree-"))
  const tree = join(work, "tree")
  try {
    const mirror = await debianMirror()
    const debootstrap = await obtainDebootstrap(work)
    await run("sh", [join(debootstrap, "usr/sbin/debootstrap"), "--variant=minbase", treeSuite, tree, mirror], {
      env: { ...process.env, DEBOOTSTRAP_DIR: join(debootstrap, "usr/share/debootstrap") }
    })
    // Packages that bring a service start it at installation, and there is nothing that runs services.
    await writeFile(join(tree, "usr/sbin/policy-rc.d"), "#!/bin/sh\nexit 101\n", { mode: 0o755 })
    // What is thrown away need not be synced to the disk, file by file.
    await writeFile(join(tree, "etc/dpkg/dpkg.cfg.d/unsafe-io"), "force-unsafe-io\n")
    const settings = join(tree, "etc/apt/apt.conf.d/99machine")
    await writeFile(settings, await machineAptSettings())
    await copyFile("/etc/resolv.conf", join(tree, "etc/resolv.conf"))
    await run("chroot", [tree, "apt-get", "clean"])
    await run("chroot", [tree, "apt-get", "--quiet", "update"])
    const download = ["apt-get", "--quiet", "install", "--download-only", "--yes", "--no-install-recommends"]
    await run("chroot", [tree, ...download, ...fetched])
    await rm(settings)
    for (const folder of ["doc", "locale", "man", "info"]) {
      await rm(join(tree, "usr/share", folder), { recursive: true, force: true })
    }
    const part = join(work, "tree.tar")
    await run("tar", ["-C", tree, "--numeric-owner", "--exclude=./dev/*", "--exclude=./proc/*", "-cf", part, "."])
    await rename(part, tar)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/**
 * A small Debian as a tar of its root, as debootstrap makes it from the mirror that this machine's own apt names; with the
 * packages that an installation of Docker needs in apt's cache. Made on first use (about two minutes), kept for later runs.
 */
export const obtainDebianTree = async (progress: (line: string) => void = () => {}): Promise<string> => {
  const tar = join(engineCache(), `debian-${treeSuite}-${process.arch}-${layout}.tar`)
  if (existsSync(tar)) return tar
  return withFileLock(join(engineCache(), "debian-tree.lock"), async () => {
    if (!existsSync(tar)) {
      progress("Making a small Debian with debootstrap, about two minutes, this once.")
      await makeTree(tar)
    }
    return tar
  })
}
