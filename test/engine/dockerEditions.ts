import { join } from "node:path"
import { obtainCompose } from "./composeEditions.js"
import { libraryFolders, obtainPackages, type PackageSet } from "./debianPackages.js"
import { type DaemonBinaries, obtainBinaries } from "./engineBinaries.js"

/** Engines beside the usual one: the oldest that is in use, and the newest. */
export type DockerEdition = "20.10" | "28.5"

// runc of the newer suites wants a newer libc.
const withRunc = ["runc/bookworm", "tini/bookworm"]

const sets: Readonly<Record<DockerEdition, PackageSet>> = {
  "20.10": {
    what: "Engine 20.10",
    size: "60 MB",
    packages: ["docker.io/bookworm", "containerd/bookworm", "libdevmapper1.02.1/bookworm", ...withRunc],
    layout: 1
  },
  "28.5": { what: "Engine 28.5", size: "60 MB", packages: ["docker.io/sid", "containerd/sid", ...withRunc], layout: 1 }
}

/** The binaries of an edition; iptables is the usual engine's. */
export const obtainEdition = async (
  edition: DockerEdition,
  progress: (line: string) => void = () => {}
): Promise<DaemonBinaries> => {
  const usual = await obtainBinaries(progress)
  const root = await obtainPackages(sets[edition], progress)
  const path = [join(root, "usr/sbin"), join(root, "usr/bin"), usual.path].join(":")
  return { root, path, ...(edition === "20.10" ? { libraries: (await libraryFolders(root)).join(":") } : {}) }
}

/** The docker command of the newest edition, which comes with its compose. */
export const obtainNewestCli = async (progress: (line: string) => void = () => {}): Promise<string> =>
  (await obtainCompose("2.40", progress)).docker
