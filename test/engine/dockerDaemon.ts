import { execFile, spawn } from "node:child_process"
import { closeSync, existsSync, openSync, readFileSync, readdirSync, readlinkSync, statSync } from "node:fs"
import { mkdir, readFile, rm, rmdir, writeFile } from "node:fs/promises"
import { basename, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { promisify } from "node:util"
import type { DaemonBinaries } from "./engineBinaries.js"
import type { DaemonFolder } from "./engineFolders.js"
import { answersPing } from "./engineRequest.js"
import { identityOf } from "./processIdentity.js"

const run = promisify(execFile)

const orElse = <A>(read: () => A, fallback: A): A => {
  try {
    return read()
  } catch {
    return fallback
  }
}

const pids = (): ReadonlyArray<number> =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid)

const argumentsOf = (pid: number): ReadonlyArray<string> =>
  orElse(() => readFileSync(`/proc/${pid}/cmdline`, "utf8"), "").split("\0")

const programOf = (pid: number): string =>
  basename(orElse(() => readlinkSync(`/proc/${pid}/exe`), "")).replace(/ \(deleted\)$/, "")

/** The pid of the dockerd that serves this folder, `undefined` when none does. Its pid file is not asked: it may lie. */
export const daemonPid = (folder: DaemonFolder): number | undefined =>
  pids().find(
    (pid) => programOf(pid) === "dockerd" && argumentsOf(pid).includes(folder.data) && identityOf(pid) !== undefined
  )

/** The pid of a dockerd of another folder in this network namespace: a second one would take its bridge from it. */
export const otherDaemonPid = (folder: DaemonFolder): number | undefined => {
  const network = (pid: number | "self") => orElse(() => readlinkSync(`/proc/${pid}/ns/net`), "")
  const own = network("self")
  return pids().find((pid) => {
    if (programOf(pid) !== "dockerd" || network(pid) !== own) return false
    const [command = "", ...rest] = argumentsOf(pid)
    // A daemon also runs itself for single tasks, under other names: `libnetwork-setkey`, `docker-untar`.
    return basename(command) === "dockerd" && !rest.includes(folder.data)
  })
}

/** Everything that runs for an engine: its daemon and containerd, the shims, and what runs in its containers. */
export const processesOf = (folder: DaemonFolder): ReadonlyArray<number> => {
  const inFolder = `${folder.root}/`
  const mounts = (pid: number | "self") => orElse(() => readlinkSync(`/proc/${pid}/ns/mnt`), "")
  const own = mounts("self")
  return pids().filter((pid) => {
    if (identityOf(pid) === undefined) return false
    if (/^(dockerd|containerd|containerd-shim.*|runc)$/.test(programOf(pid))) {
      if (argumentsOf(pid).some((argument) => argument.includes(inFolder))) return true
    }
    // A process in a container is known by its root file system, which lies in the engine's data.
    if (mounts(pid) === own) return false
    return orElse(() => readFileSync(`/proc/${pid}/mountinfo`, "utf8"), "")
      .split("\n")
      .some((line) => line.split(" ")[4] === "/" && line.includes(inFolder))
  })
}

/** The mounts below an engine's folder, innermost first. */
export const mountsOf = (folder: DaemonFolder): ReadonlyArray<string> =>
  orElse(() => readFileSync("/proc/self/mountinfo", "utf8"), "")
    .split("\n")
    .flatMap((line) => line.split(" ")[4] ?? [])
    .filter((point) => point.startsWith(`${folder.root}/`))
    .reverse()

const waitUntil = async (isTrue: () => boolean | Promise<boolean>, milliseconds: number): Promise<boolean> => {
  const end = Date.now() + milliseconds
  while (!(await isTrue())) {
    if (Date.now() > end) return false
    await sleep(25)
  }
  return true
}

/** Sends SIGKILL to a process and waits until it is gone. */
export const killAndWait = async (pid: number): Promise<void> => {
  orElse(() => process.kill(pid, "SIGKILL"), false)
  if (!(await waitUntil(() => identityOf(pid) === undefined, 15_000))) throw new Error(`Process ${pid} did not exit.`)
}

/**
 * Ends everything that an engine whose daemon is gone left behind, containers too: processes, mounts, sockets, the
 * containers' cgroups. Its data stays.
 */
export const clearLeftovers = async (folder: DaemonFolder): Promise<void> => {
  const gone = await waitUntil(() => {
    const left = processesOf(folder)
    for (const pid of left) orElse(() => process.kill(pid, "SIGKILL"), false)
    return left.length === 0
  }, 20_000)
  if (!gone) throw new Error(`Processes of the engine in ${folder.root} did not exit: ${processesOf(folder).join(" ")}`)
  const tasks = join(folder.exec, "containerd/daemon/io.containerd.runtime.v2.task/moby")
  for (const container of orElse(() => readdirSync(tasks), [])) {
    const address = await readFile(join(tasks, container, "address"), "utf8").catch(() => "")
    if (address.startsWith("unix:///")) await rm(address.slice("unix://".length), { force: true })
  }
  for (const container of orElse(() => readdirSync(join(folder.data, "containers")), [])) {
    for (const part of ["", ...orElse(() => readdirSync("/sys/fs/cgroup"), [])]) {
      await rmdir(join("/sys/fs/cgroup", part, "docker", container)).catch(() => {})
    }
  }
  for (const point of mountsOf(folder)) {
    await run("umount", [point]).catch(() => run("umount", ["--lazy", point]).catch(() => {}))
  }
  for (const path of [folder.socketPath, folder.pidFile, folder.exec]) await rm(path, { recursive: true, force: true })
}

const lastWords = async (folder: DaemonFolder): Promise<string> => {
  const lines = (await readFile(folder.log, "utf8").catch(() => "")).trimEnd().split("\n")
  const telling = lines.filter((line) => /level=(error|fatal)|failed/.test(line) && !/level=info/.test(line))
  return (telling.length > 0 ? telling : lines).slice(-3).join("\n")
}

/** How a daemon is started. */
export interface DaemonOptions {
  readonly binaries: DaemonBinaries
  /** More arguments for dockerd. */
  readonly flags?: ReadonlyArray<string>
  /** A command that runs dockerd with the words behind its own. */
  readonly wrapper?: ReadonlyArray<string>
  /** Whether it lives in the network namespace that is pinned in its folder. */
  readonly ownNetwork?: boolean
}

/** Only these of our own environment reach the engine: what tests set must not. */
const daemonEnvironment = (binaries: DaemonBinaries): Record<string, string> => {
  const kept = Object.entries(process.env).flatMap(([name, value]) =>
    value !== undefined && (name === "HOME" || /^(https?|no|all)_proxy$/i.test(name)) ? [[name, value]] : []
  )
  const libraries = binaries.libraries === undefined ? {} : { LD_LIBRARY_PATH: binaries.libraries }
  // Collecting garbage less often costs memory, of which tests need little.
  return { ...Object.fromEntries(kept), ...libraries, GOGC: "400", PATH: binaries.path }
}

/**
 * After a kill, containerd ends just behind its dockerd, and stays a zombie where the machine's first process is slow to
 * reap. The next dockerd takes a zombie for a live containerd and waits 10 s for it: so it must not hear of it.
 */
const forgetDeadContainerd = async (folder: DaemonFolder): Promise<void> => {
  const file = join(folder.exec, "containerd/containerd.pid")
  const pid = Number(await readFile(file, "utf8").catch(() => ""))
  if (pid > 0 && (await waitUntil(() => identityOf(pid) === undefined, 2_000))) await rm(file, { force: true })
}

/**
 * Starts dockerd in a session of its own, so that it outlives this process, and waits until it answers. It must not run
 * yet. No limits are asked for: containers inherit the daemon's own, which works where the machine forbids raising them.
 */
export const startDaemon = async (folder: DaemonFolder, options: DaemonOptions): Promise<number> => {
  await mkdir(folder.root, { recursive: true, mode: 0o711 })
  const tooLong = orElse(() => statSync(folder.log).size, 0) > 10 * 1024 * 1024
  await forgetDeadContainerd(folder)
  const log = openSync(folder.log, tooLong ? "w" : "a")
  const dockerd = [join(options.binaries.root, "usr/sbin/dockerd"), "--data-root", folder.data].concat(
    ["--exec-root", folder.exec, "--pidfile", folder.pidFile, "-H", folder.endpoint],
    options.flags ?? []
  )
  const [command = "", ...rest] = [
    ...(options.wrapper ?? []),
    ...(options.ownNetwork === true ? ["nsenter", `--net=${folder.network}`] : []),
    ...dockerd
  ]
  const started = Date.now()
  const daemon = spawn(command, rest, {
    cwd: "/",
    detached: true,
    stdio: ["ignore", log, log],
    env: daemonEnvironment(options.binaries)
  })
  closeSync(log)
  let failure: string | undefined
  daemon.on("error", (error) => (failure = error.message))
  daemon.on("exit", (code, signal) => (failure = `it ended (${signal ?? code})`))
  daemon.unref()
  const ready = await waitUntil(
    async () => failure !== undefined || (existsSync(folder.socketPath) && (await answersPing(folder.endpoint, 1_000))),
    60_000
  )
  if (failure !== undefined || !ready || daemon.pid === undefined) {
    if (daemon.pid !== undefined) orElse(() => process.kill(daemon.pid ?? 0, "SIGTERM"), false)
    const why = failure ?? `no answer after ${Date.now() - started} ms`
    throw new Error(`The engine in ${folder.root} did not start: ${why}\n${await lastWords(folder)}`)
  }
  daemon.removeAllListeners()
  return daemon.pid
}

/** Stops a daemon with SIGTERM and waits until it is gone; after `milliseconds` it is killed. */
export const stopDaemon = async (folder: DaemonFolder, milliseconds = 40_000): Promise<void> => {
  const pid = daemonPid(folder)
  if (pid === undefined) return
  orElse(() => process.kill(pid, "SIGTERM"), false)
  if (!(await waitUntil(() => identityOf(pid) === undefined, milliseconds))) await killAndWait(pid)
}

/** Pins a new network namespace in the folder, with its loopback up. It stays when the daemon dies. */
export const pinNetwork = async (folder: DaemonFolder, busybox: string): Promise<void> => {
  await mkdir(folder.root, { recursive: true, mode: 0o711 })
  await writeFile(folder.network, "")
  const loopback = [busybox, "ip", "link", "set", "lo", "up"]
  await run("unshare", [`--net=${folder.network}`, ...loopback])
}
