import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { engineCache } from "./engineFolders.js"
import { withFileLock } from "./fileLock.js"

const run = promisify(execFile)

/** Packages of Debian that are unpacked into one folder of the cache, side by side with other sets. */
export interface PackageSet {
  /** What it is, for whoever waits for it: `an engine`. */
  readonly what: string
  /** How much there is to fetch, for the same. */
  readonly size: string
  /** Each as `package/suite`; suites may be mixed where the packages fit. */
  readonly packages: ReadonlyArray<string>
  /** Changed when `finish` is: folders of before are then not taken. */
  readonly layout: number
  /** Makes in the new folder `root` what is needed beside the packages; the folder will be called `final`. */
  readonly finish?: (root: string, final: string) => Promise<void>
}

/** Why Debian's packages cannot be had here, `undefined` when they can. */
export const packagesUnavailable = async (): Promise<string | undefined> => {
  if (process.platform !== "linux") return "the tests can start their own servers only on Linux"
  if (process.getuid?.() !== 0) return "only root can start the tests' own servers"
  for (const tool of ["/usr/bin/apt-get", "/usr/bin/dpkg"]) {
    if (!existsSync(tool)) return `the tests install an engine from Debian packages, and ${tool} is missing`
  }
  const release = await readFile("/etc/os-release", "utf8").catch(() => "")
  if (!/^ID=debian$/m.test(release)) return "the tests install an engine from Debian packages, and this is not Debian"
  return undefined
}

const versionOf = ({ layout, packages }: PackageSet): string =>
  createHash("sha256")
    .update(`${layout} ${process.arch} ${packages.join(" ")}`)
    .digest("hex")
    .slice(0, 10)

const rootOf = (set: PackageSet): string => join(engineCache(), `unpacked-${versionOf(set)}`)

/** Where an earlier run unpacked the set, `undefined` when none did. */
export const unpackedPackages = (set: PackageSet): string | undefined =>
  existsSync(rootOf(set)) ? rootOf(set) : undefined

/** The folders of libraries in an unpacked set. */
export const libraryFolders = async (root: string): Promise<ReadonlyArray<string>> => {
  const found = await Promise.all(
    ["lib", "usr/lib"].map(async (parent) => {
      const names = await readdir(join(root, parent)).catch(() => [])
      return names.filter((name) => name.includes("-linux-gnu")).map((name) => join(root, parent, name))
    })
  )
  return found.flat()
}

/**
 * Installs packages on this machine, or fetches them into a folder, with the machine's own apt. One at a time: apt fails
 * where another one is reading lists.
 */
export const machineApt = (words: ReadonlyArray<string>, folder = "/"): Promise<void> =>
  withFileLock(join(engineCache(), "machine-apt.lock"), async () => {
    const options = {
      cwd: folder,
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      maxBuffer: 1 << 26
    }
    const apt = () => run("apt-get", ["-o", "APT::Sandbox::User=root", "--quiet", ...words], options)
    await apt().catch(async () => {
      await run("apt-get", ["--quiet", "update"], options)
      await apt()
    })
  })

/** Lists of packages, by suite, and the machine's own where it keeps none. */
const aptFolder = (): string => join(engineCache(), "apt")

/** The mirror that this machine's own apt sources name for its own release. */
export const debianMirror = async (): Promise<string> => {
  const release = await readFile("/etc/os-release", "utf8")
  const codename = /^VERSION_CODENAME=(.+)$/m.exec(release)?.[1]?.replaceAll('"', "") ?? "stable"
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
  return withFileLock(join(engineCache(), "mirror.lock"), async () => {
    const folder = join(aptFolder(), "machine")
    await mkdir(join(folder, "lists/partial"), { recursive: true })
    const options = ["-o", `Dir::State::Lists=${join(folder, "lists")}`, "-o", `Dir::Cache=${join(folder, "cache")}`]
    const before = await list(options)
    if (before !== undefined) return before
    await run("apt-get", ["update", ...options])
    const fetched = await list(options)
    if (fetched === undefined) throw new Error(`The apt sources of this machine have no source for Debian ${codename}.`)
    return fetched
  })
}

const packagesLock = (): string => join(engineCache(), "packages.lock")

/** Removes the lists of packages, which take more room than the packages. */
export const removeLists = (): Promise<void> =>
  withFileLock(packagesLock(), () => rm(aptFolder(), { recursive: true, force: true }))

/** A mirror may no longer have what older lists name. */
const listsLast = 3_600_000

/**
 * The options with which apt knows the packages of a suite, by lists in a folder of their own: nothing of the machine's apt
 * changes. The lists serve several sets of packages, as reading them takes some seconds.
 */
const aptOptions = async (suite: string): Promise<ReadonlyArray<string>> => {
  const apt = join(aptFolder(), suite)
  for (const folder of ["lists/partial", "cache/archives/partial"]) await mkdir(join(apt, folder), { recursive: true })
  const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
  const signed = existsSync(keyring) ? `[signed-by=${keyring}] ` : ""
  const options = [
    `Dir::Etc::sourcelist=${join(apt, "sources.list")}`,
    "Dir::Etc::sourceparts=-",
    `Dir::State::Lists=${join(apt, "lists")}`,
    `Dir::Cache=${join(apt, "cache")}`,
    "Acquire::Languages=none",
    // The sandbox user may not write below root's home.
    "APT::Sandbox::User=root"
  ].flatMap((option) => ["-o", option])
  const updated = join(apt, "updated")
  const age =
    Date.now() -
    (await stat(updated).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0
    ))
  if (age > listsLast) {
    await writeFile(join(apt, "sources.list"), `deb ${signed}${await debianMirror()} ${suite} main\n`)
    await run("apt-get", [...options, "--quiet", "update"], { maxBuffer: 1 << 26 })
    await writeFile(updated, "")
  }
  return options
}

/** Fetches packages into `target`. */
const download = async (packages: ReadonlyArray<string>, target: string): Promise<void> => {
  const work = `${target}.part`
  await rm(work, { recursive: true, force: true })
  await mkdir(work, { recursive: true })
  for (const suite of new Set(packages.map((name) => name.slice(name.indexOf("/") + 1)))) {
    const wanted = packages.filter((name) => name.endsWith(`/${suite}`))
    const words = [...(await aptOptions(suite)), "--quiet", "download", ...wanted]
    await run("apt-get", words, { cwd: work, maxBuffer: 1 << 26 })
  }
  await rm(target, { recursive: true, force: true })
  await rename(work, target)
}

/**
 * The folder of a set, fetched from Debian and unpacked on first use. Whoever comes second finds it. A folder gets its
 * final name only when it is whole, so a crash in between leaves nothing that looks finished. `progress` hears a line
 * when there is something to wait for.
 */
export const obtainPackages = async (set: PackageSet, progress: (line: string) => void): Promise<string> => {
  const ready = unpackedPackages(set)
  if (ready !== undefined) return ready
  return withFileLock(packagesLock(), async () => {
    const made = unpackedPackages(set)
    if (made !== undefined) return made
    const debs = join(engineCache(), `packages-${versionOf(set)}`)
    if (!existsSync(debs)) {
      progress(`Downloading ${set.what} from Debian packages (about ${set.size}, only once).`)
      await download(set.packages, debs)
    }
    const final = rootOf(set)
    const work = `${final}.part`
    await rm(work, { recursive: true, force: true })
    await mkdir(work, { recursive: true })
    try {
      for (const deb of await readdir(debs)) await run("dpkg", ["-x", join(debs, deb), work])
    } catch (cause) {
      // A package that cannot be unpacked is fetched again next time.
      await rm(debs, { recursive: true, force: true })
      throw new Error(`Unpacking a package failed in ${work}.`, { cause })
    }
    await set.finish?.(work, final)
    await rename(work, final)
    return final
  })
}
