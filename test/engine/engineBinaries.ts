import { join } from "node:path"
import { writeBusyboxTar } from "./busyboxTar.js"
import { obtainPackages, type PackageSet, unpackedPackages } from "./debianPackages.js"
import { writeIptablesScripts } from "./iptablesScripts.js"

/** What it takes to start a dockerd. */
export interface DaemonBinaries {
  readonly root: string
  /** What `PATH` is for dockerd, so that it finds containerd, runc, docker-proxy and iptables. */
  readonly path: string
  /** Libraries that it needs beside the machine's own. */
  readonly libraries?: string
}

/** The usual engine's binaries as unpacked from Debian's packages, and what the harness needs beside them. */
export interface EngineBinaries extends DaemonBinaries {
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
const usualEngine: PackageSet = {
  what: "an engine",
  size: "100 MB",
  packages: [
    ...["docker.io", "docker-cli", "docker-compose", "docker-buildx", "containerd", "docker-registry"].map(
      (name) => `${name}/${newer}`
    ),
    ...["runc", "tini", "busybox-static", "iptables", "libip4tc2", "libip6tc2", "libxtables12", "libmnl0"].map(
      (name) => `${name}/${older}`
    ),
    ...["libnetfilter-conntrack3", "libnfnetlink0", "libnftnl11"].map((name) => `${name}/${older}`)
  ],
  layout: 1,
  finish: async (root, final) => {
    await writeIptablesScripts(root, final)
    await writeBusyboxTar(root)
  }
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

/** The binaries when an earlier run unpacked them, `undefined` otherwise. */
export const unpackedBinaries = (): EngineBinaries | undefined => {
  const root = unpackedPackages(usualEngine)
  return root === undefined ? undefined : binariesIn(root)
}

/** The binaries, fetched and unpacked on first use (100 MB to fetch, 450 MB unpacked); see `obtainPackages`. */
export const obtainBinaries = async (progress: (line: string) => void = () => {}): Promise<EngineBinaries> =>
  binariesIn(await obtainPackages(usualEngine, progress))
