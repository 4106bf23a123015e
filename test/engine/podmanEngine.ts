import { spawn } from "node:child_process"
import { once } from "node:events"
import { cp, mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from "node:fs/promises"
import { closeSync, openSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { importBusybox } from "./busyboxImage.js"
import { libraryFolders, obtainPackages, type PackageSet } from "./debianPackages.js"
import { obtainBinaries } from "./engineBinaries.js"
import { answersPing, engineRequest, jsonAt } from "./engineRequest.js"

// crun would need a library that conmon does not hand on to it.
const podman: PackageSet = {
  what: "Podman",
  size: "30 MB",
  packages: ["podman", "conmon", "runc", "netavark", "aardvark-dns", "golang-github-containers-common"]
    .concat(["libdevmapper1.02.1", "libgpgme11", "libassuan0", "libsubid4", "libseccomp2", "libglib2.0-0"])
    .map((name) => `${name}/bookworm`),
  layout: 1
}

/** The folder of Podman's packages, fetched on first use. */
export const obtainPodman = (progress: (line: string) => void): Promise<string> => obtainPackages(podman, progress)

/** How Podman's service is made. */
export interface PodmanOptions {
  /** Registries that it may speak plain HTTP with, as `host:port`. Docker does so with every one on the loopback. */
  readonly insecureRegistries?: ReadonlyArray<string>
}

/** Podman's service, which speaks the engine's API. */
export interface PodmanEngine {
  readonly endpoint: string
  /** The file of its network namespace. */
  readonly network: string
  /** Ends it and its containers and removes its folder. */
  readonly dispose: () => Promise<void>
}

const writeSettings = async (
  folder: string,
  root: string,
  environment: Readonly<Record<"PATH" | "LD_LIBRARY_PATH", string>>,
  insecureRegistries: ReadonlyArray<string>
): Promise<void> => {
  const home = join(folder, "home/.config/containers")
  await mkdir(home, { recursive: true })
  await cp(join(root, "etc/containers/policy.json"), join(home, "policy.json"))
  const insecure = insecureRegistries.map((host) => `[[registry]]\nlocation = "${host}"\ninsecure = true\n`)
  const registries = ['unqualified-search-registries = ["docker.io"]\n', ...insecure].join("\n")
  await writeFile(join(folder, "registries.conf"), registries)
  const settings = [
    "[containers]",
    // Where the machine forbids raising limits, Podman's own would be too high.
    'default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]',
    `seccomp_profile = "${join(root, "usr/share/containers/seccomp.json")}"`,
    "[engine]",
    'cgroup_manager = "cgroupfs"',
    'events_logger = "file"',
    'runtime = "runc"',
    // It runs podman again when a container ends.
    `conmon_env_vars = ["PATH=${environment["PATH"]}", "LD_LIBRARY_PATH=${environment["LD_LIBRARY_PATH"]}"]`,
    `conmon_path = ["${join(root, "usr/bin/conmon")}"]`,
    `helper_binaries_dir = ["${join(root, "usr/lib/podman")}"]`,
    "[engine.runtimes]",
    `runc = ["${join(root, "usr/bin/runc")}"]`,
    "[network]",
    'network_backend = "netavark"',
    `network_config_dir = "${join(folder, "networks")}"`,
    ""
  ]
  await writeFile(join(folder, "containers.conf"), settings.join("\n"))
}

/** Only this of our own environment reaches it. */
const environmentOf = async (folder: string, root: string, path: string) => ({
  PATH: `${join(root, "usr/bin")}:${path}`,
  HOME: join(folder, "home"),
  CONTAINERS_CONF: join(folder, "containers.conf"),
  CONTAINERS_REGISTRIES_CONF: join(folder, "registries.conf"),
  LD_LIBRARY_PATH: (await libraryFolders(root)).join(":")
})

/** With force, so that their cgroups go with them. */
const removeContainers = async (endpoint: string): Promise<void> => {
  const { json } = await engineRequest(endpoint, "GET", "/containers/json?all=1")
  const ids = Array.isArray(json) ? json.map((item: unknown) => String(jsonAt(item, "Id"))) : []
  for (const id of ids) await engineRequest(endpoint, "DELETE", `/containers/${id}?force=1&v=1`)
}

/**
 * Starts Podman's service with `busybox:latest` in it, in a folder and in namespaces of its own (network, mounts, pids):
 * all of it ends with this process at the latest.
 */
export const startPodmanEngine = async (
  progress: (line: string) => void = () => {},
  options: PodmanOptions = {}
): Promise<PodmanEngine> => {
  const usual = await obtainBinaries(progress)
  const root = await obtainPodman(progress)
  const folder = await mkdtemp(join(tmpdir(), "dockwire-podman-"))
  const environment = await environmentOf(folder, root, usual.path)
  await writeSettings(folder, root, environment, options.insecureRegistries ?? [])
  const socketPath = join(folder, "docker.sock")
  const endpoint = `unix://${socketPath}`
  const service = [join(usual.root, "usr/bin/tini"), "-s", "--", join(root, "usr/bin/podman")].concat(
    ["--storage-driver", "vfs", "--root", join(folder, "data"), "--runroot", "/run/containers"],
    ["--tmpdir", "/run/libpod", "system", "service", "--time=0", endpoint]
  )
  const script = [
    "mount -t tmpfs tmpfs /run",
    `'${usual.busybox}' ip link set lo up`,
    `exec ${service.map((word) => `'${word}'`).join(" ")}`
  ].join(" && ")
  const log = openSync(join(folder, "log"), "w")
  const apart = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]
  const child = spawn("setpriv", ["--pdeathsig=KILL", ...apart, "sh", "-c", script], {
    cwd: folder,
    stdio: ["ignore", log, log],
    env: environment
  })
  closeSync(log)
  const ended = once(child, "close")
  const dispose = async (): Promise<void> => {
    // What is not removed here ends with its namespace.
    await removeContainers(endpoint).catch(() => {})
    child.kill("SIGKILL")
    await ended
    for (const part of ["", ...(await readdir("/sys/fs/cgroup").catch(() => []))]) {
      await rmdir(join("/sys/fs/cgroup", part, "libpod_parent")).catch(() => {})
    }
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    for (const end = Date.now() + 60_000; !(await answersPing(endpoint, 1_000)); await sleep(50)) {
      if (child.exitCode !== null || child.signalCode !== null || Date.now() > end) {
        const words = (await readFile(join(folder, "log"), "utf8")).trimEnd().split("\n").slice(-3).join("\n")
        throw new Error(`Podman did not start:\n${words}`)
      }
    }
    await importBusybox(endpoint, usual.busyboxTar)
  } catch (error) {
    await dispose()
    throw error
  }
  return { endpoint, network: `/proc/${child.pid}/ns/net`, dispose }
}
