import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { chmod, mkdir, readFile, readdir, rename, rm, symlink, writeFile } from "node:fs/promises"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { engineCache } from "./engineFolders.js"
import { withFileLock } from "./fileLock.js"

const run = promisify(execFile)

/** The engine's binaries as unpacked from Debian's packages, and what the harness needs beside them. */
export interface EngineBinaries {
  readonly root: string
  /** What `PATH` is for dockerd, so that it finds containerd, runc, docker-proxy and iptables. */
  readonly path: string
  readonly docker: string
  readonly compose: string
  readonly buildx: string
  readonly busybox: string
  /** A root file system with busybox alone, for `docker import`. */
  readonly busyboxTar: string
  /** The registry server: `docker-registry serve CONFIG.yml`. */
  readonly registry: string
}

// The engine comes from the newer suite. What is linked against libc closely (runc, tini) and what must fit each other
// (iptables and its libraries) comes from the older one, which runs on both.
const newer = "trixie"
const older = "bookworm"
const packages: ReadonlyArray<string> = [
  ...["docker.io", "docker-cli", "docker-compose", "docker-buildx", "containerd", "docker-registry"].map(
    (name) => `${name}/${newer}`
  ),
  ...["runc", "tini", "busybox-static", "iptables", "libip4tc2", "libip6tc2", "libxtables12", "libmnl0"].map(
    (name) => `${name}/${older}`
  ),
  ...["libnetfilter-conntrack3", "libnfnetlink0", "libnftnl11"].map((name) => `${name}/${older}`)
]
const layout = 1
const version = createHash("sha256")
  .update(`${layout} ${process.arch} ${packages.join(" ")}`)
  .digest("hex")
  .slice(0, 10)

/** Why Debian's packages cannot be had here, `undefined` when they can. */
export const packagesUnavailable = async (): Promise<string | undefined> => {
  if (process.platform !== "linux") return "a server of the tests' own runs on Linux only"
  if (process.getuid?.() !== 0) return "only root can start one of the tests' own"
  for (const tool of ["/usr/bin/apt-get", "/usr/bin/dpkg"]) {
    if (!existsSync(tool)) return `the tests take an engine from Debian's packages, and ${tool} is not here`
  }
  const release = await readFile("/etc/os-release", "utf8").catch(() => "")
  if (!/^ID=debian$/m.test(release)) return "the tests take an engine from Debian's packages, and this is not Debian"
  return undefined
}

const binariesIn = (root: string): EngineBinaries => {
  const machine = process.env["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
  return {
    root,
    // The machine's own iptables goes first: its rules and the engine's should be of one kind.
    path: [join(root, "usr/sbin"), join(root, "usr/bin"), machine, "/usr/sbin:/sbin", join(root, "iptables")].join(":"),
    docker: join(root, "usr/bin/docker"),
    compose: join(root, "usr/libexec/docker/cli-plugins/docker-compose"),
    buildx: join(root, "usr/libexec/docker/cli-plugins/docker-buildx"),
    busybox: join(root, "bin/busybox"),
    busyboxTar: join(root, "busybox.tar"),
    registry: join(root, "usr/bin/docker-registry")
  }
}

const unpackedRoot = (): string => join(engineCache(), `unpacked-${version}`)

/** The binaries when an earlier run unpacked them, `undefined` otherwise. */
export const unpackedBinaries = (): EngineBinaries | undefined =>
  existsSync(unpackedRoot()) ? binariesIn(unpackedRoot()) : undefined

/** The mirror that this machine's own apt sources name for its own release. */
export const debianMirror = async (folder: string): Promise<string> => {
  const release = await readFile("/etc/os-release", "utf8")
  const codename = /^VERSION_CODENAME=(.+)$/m.exec(release)?.[1]?.replaceAll('"', "") ?? older
  const list = async (options: ReadonlyArray<string>) => {
    const format = "$(CREATED_BY) $(RELEASE) $(COMPONENT) $(REPO_URI)"
    const { stdout } = await run("apt-get", ["indextargets", ...options, "--format", format])
    const mirrors = stdout
      .split("\n")
      .map((line) => line.split(" "))
      .filter(([by, suite, part]) => by === "Packages" && (suite === codename || suite === "stable") && part === "main")
      .flatMap(([, , , uri]) => (uri === undefined ? [] : [uri]))
    return mirrors.find((uri) => /\/debian\/?$/.test(uri)) ?? mirrors[0]
  }
  const known = await list([])
  if (known !== undefined) return known
  // Where the machine keeps no package lists apt tells nothing of its sources: it reads them into a folder of ours.
  const lists = join(folder, "machine-lists")
  await mkdir(join(lists, "partial"), { recursive: true })
  const options = ["-o", `Dir::State::Lists=${lists}`, "-o", `Dir::Cache=${join(folder, "cache")}`]
  await run("apt-get", ["update", ...options])
  const fetched = await list(options)
  if (fetched === undefined) throw new Error(`No source of Debian ${codename} in this machine's apt sources.`)
  return fetched
}

/** Fetches the packages into `target`, through apt with a state of its own: nothing of the machine's apt changes. */
const download = async (target: string): Promise<void> => {
  const work = `${target}.part`
  await rm(work, { recursive: true, force: true })
  const apt = join(work, "apt")
  for (const folder of ["lists/partial", "cache/archives/partial", "debs"]) {
    await mkdir(join(folder === "debs" ? work : apt, folder), { recursive: true })
  }
  const mirror = await debianMirror(apt)
  const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
  const signed = existsSync(keyring) ? `[signed-by=${keyring}] ` : ""
  const sources = [newer, older].map((suite) => `deb ${signed}${mirror} ${suite} main\n`).join("")
  await writeFile(join(apt, "sources.list"), sources)
  const options = [
    `Dir::Etc::sourcelist=${join(apt, "sources.list")}`,
    "Dir::Etc::sourceparts=-",
    `Dir::State::Lists=${join(apt, "lists")}`,
    `Dir::Cache=${join(apt, "cache")}`,
    "Acquire::Languages=none",
    // The sandbox user may not write below root's home.
    "APT::Sandbox::User=root"
  ].flatMap((option) => ["-o", option])
  await run("apt-get", [...options, "--quiet", "update"], { maxBuffer: 1 << 26 })
  await run("apt-get", [...options, "--quiet", "download", ...packages], {
    cwd: join(work, "debs"),
    maxBuffer: 1 << 26
  })
  await rm(target, { recursive: true, force: true })
  await rename(join(work, "debs"), target)
  await rm(work, { recursive: true, force: true })
}

/**
 * Scripts `iptables`, `ip6tables` and their save and restore forms, which run the unpacked ones with their own
 * libraries. On Debian these names are made at installation; unpacked packages have them only with a kind behind.
 */
const writeIptables = async (root: string, final: string): Promise<void> => {
  const triplet = (await readdir(join(root, "usr/lib"))).find((name) => name.includes("-linux-gnu"))
  if (triplet === undefined) throw new Error("The unpacked iptables has no libraries.")
  const environment = (base: string) => ({
    LD_LIBRARY_PATH: join(base, "usr/lib", triplet),
    XTABLES_LIBDIR: join(base, "usr/lib", triplet, "xtables")
  })
  const nft = run(join(root, "usr/sbin/iptables-nft"), ["-t", "nat", "-L", "-n"], { env: environment(root) })
  const kind = await nft.then(
    () => "nft",
    () => "legacy"
  )
  await mkdir(join(root, "iptables"))
  const settings = Object.entries(environment(final)).map(([name, value]) => `${name}='${value}'`)
  for (const family of ["iptables", "ip6tables"]) {
    for (const form of ["", "-save", "-restore"]) {
      const file = join(root, "iptables", `${family}${form}`)
      const target = join(final, "usr/sbin", `${family}-${kind}${form}`)
      await writeFile(file, `#!/bin/sh\n${settings.join(" ")} exec '${target}' "$@"\n`)
      await chmod(file, 0o755)
    }
  }
}

/** Writes a tar of a root file system: busybox, a link to it for each of its names, and the usual empty folders. */
const writeBusyboxTar = async (root: string): Promise<void> => {
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

/**
 * The engine's binaries, fetched from Debian and unpacked on first use (about 100 MB to fetch, 450 MB unpacked).
 * Whoever comes second finds them. A folder gets its final name only when it is whole, so a crash in between leaves
 * nothing that looks finished. `progress` hears a line when there is something to wait for.
 */
export const obtainBinaries = async (progress: (line: string) => void = () => {}): Promise<EngineBinaries> => {
  const ready = unpackedBinaries()
  if (ready !== undefined) return ready
  return withFileLock(join(engineCache(), "packages.lock"), async () => {
    const made = unpackedBinaries()
    if (made !== undefined) return made
    const debs = join(engineCache(), `packages-${version}`)
    if (!existsSync(debs)) {
      progress("Fetching an engine from Debian's packages, about 100 MB, this once.")
      await download(debs)
    }
    const final = unpackedRoot()
    const work = `${final}.part`
    await rm(work, { recursive: true, force: true })
    await mkdir(work, { recursive: true })
    try {
      for (const deb of await readdir(debs)) await run("dpkg", ["-x", join(debs, deb), work])
    } catch (cause) {
      // A package that cannot be unpacked is fetched again next time.
      await rm(debs, { recursive: true, force: true })
      throw new Error(`A package could not be unpacked in ${work}.`, { cause })
    }
    await writeIptables(work, final)
    await writeBusyboxTar(work)
    await rename(work, final)
    return binariesIn(final)
  })
}
