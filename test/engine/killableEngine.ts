import { randomBytes } from "node:crypto"
import { mkdir, readFile, readdir, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { importBusybox } from "./busyboxImage.js"
import { packagesUnavailable } from "./debianPackages.js"
import { type DaemonBinaries, obtainBinaries } from "./engineBinaries.js"
import { clearLeftovers, daemonPid, killAndWait, pinNetwork, startDaemon, stopDaemon } from "./dockerDaemon.js"
import { daemonFolder, killableEngines, type DaemonFolder } from "./engineFolders.js"
import { answersPing, engineRequest, jsonAt } from "./engineRequest.js"
import { isAlive, ownIdentity, pidSpace } from "./processIdentity.js"
import { testRunId } from "./testRun.js"

/** How a killable engine is made. */
export interface KillableEngineOptions {
  /** Whether containers survive its death (`--live-restore`). */
  readonly liveRestore?: boolean
  /** A word for its folder, for whoever looks at it. */
  readonly name?: string
  /** Those of another edition; the usual engine's when not given. */
  readonly binaries?: DaemonBinaries
  /** More arguments for dockerd. */
  readonly flags?: ReadonlyArray<string>
  /** A command that runs dockerd with the words behind its own. */
  readonly wrapper?: ReadonlyArray<string>
}

/**
 * A second engine that a test may kill, with its own data and its own network namespace. Ports that its containers
 * publish are open only inside that namespace.
 */
export interface KillableEngine {
  readonly endpoint: string
  readonly socketPath: string
  /** The file of its network namespace. */
  readonly network: string
  /** Of the daemon now; `undefined` when it does not run. */
  readonly pid: number | undefined
  /** SIGKILL; resolves when the daemon is gone. The containers run on until the next start, or further with live restore. */
  readonly kill: () => Promise<void>
  /** SIGTERM; resolves when the daemon is gone. */
  readonly stop: () => Promise<void>
  /** Starts it again on the same data, socket and network; resolves when it answers. */
  readonly start: () => Promise<void>
  /** Ends it and its containers and removes its folder: no process, no mount, no file stays. May be called twice. */
  readonly dispose: () => Promise<void>
}

/** Why no killable engine can be had here, `undefined` when one can. */
export const killableEngineUnavailable = packagesUnavailable

const disposeFolder = async (folder: DaemonFolder): Promise<void> => {
  // The daemon knows best how to end its containers, and fast when they are removed by force.
  if (daemonPid(folder) !== undefined && (await answersPing(folder.endpoint, 2_000))) {
    try {
      const { json } = await engineRequest(folder.endpoint, "GET", "/containers/json?all=1")
      const ids = Array.isArray(json) ? json.map((item: unknown) => String(jsonAt(item, "Id"))) : []
      await Promise.all(ids.map((id) => engineRequest(folder.endpoint, "DELETE", `/containers/${id}?force=1&v=1`)))
    } catch {
      // then the hard way below
    }
    await stopDaemon(folder, 15_000)
  }
  const left = daemonPid(folder)
  if (left !== undefined) await killAndWait(left)
  await clearLeftovers(folder)
  await rm(folder.root, { recursive: true, force: true, maxRetries: 5 })
}

/**
 * Disposes of killable engines whose maker is dead, and of all those of `runId`, when given. Those of living runs stay.
 * Says how many there were.
 */
export const sweepKillableEngines = async (runId?: string): Promise<number> => {
  const names = await readdir(killableEngines()).catch(() => [])
  const hour = 60 * 60 * 1000
  const isLeft = async (folder: DaemonFolder): Promise<boolean> => {
    const owner: unknown = await readFile(folder.owner, "utf8")
      .then(JSON.parse)
      .catch(() => undefined)
    const [pid, startTime] = [jsonAt(owner, "pid"), jsonAt(owner, "startTime")]
    if (runId !== undefined && jsonAt(owner, "run") === runId) return true
    if (typeof pid === "number" && typeof startTime === "string" && jsonAt(owner, "space") === pidSpace()) {
      return !isAlive({ pid, startTime })
    }
    // Being made just now, or of another boot, or of another pid namespace that shares the folder: its age tells.
    const made = await stat(folder.root).catch(() => undefined)
    return made !== undefined && Date.now() - made.mtimeMs > hour && !(await answersPing(folder.endpoint, 2_000))
  }
  const folders = names.map((name) => daemonFolder(join(killableEngines(), name)))
  const left = await Promise.all(folders.map(isLeft))
  const meant = folders.filter((_, index) => left[index])
  await Promise.all(meant.map(disposeFolder))
  return meant.length
}

const makeOwned = async (name: string): Promise<DaemonFolder> => {
  const word = name.replaceAll(/[^\w-]/g, "-").slice(0, 8)
  await mkdir(killableEngines(), { recursive: true, mode: 0o711 })
  const folder = daemonFolder(join(killableEngines(), `${word}-${randomBytes(3).toString("hex")}`))
  await mkdir(folder.root, { mode: 0o711 })
  const owner = { ...ownIdentity(), space: pidSpace(), run: testRunId() }
  await writeFile(folder.owner, JSON.stringify(owner))
  return folder
}

/**
 * Starts an engine that a test may kill, with `busybox:latest` in it. Dispose of it at the end; should the test die
 * first, the end of its run or the start of the next one does.
 */
export const startKillableEngine = async (options: KillableEngineOptions = {}): Promise<KillableEngine> => {
  const unavailable = await killableEngineUnavailable()
  if (unavailable !== undefined) throw new Error(`The tests can't start a killable engine: ${unavailable}.`)
  const usual = await obtainBinaries()
  const folder = await makeOwned(options.name ?? "engine")
  const flags = [...(options.liveRestore === true ? ["--live-restore"] : []), ...(options.flags ?? [])]
  const wrapper = options.wrapper ?? []
  const start = async () => {
    if (daemonPid(folder) !== undefined) return
    await startDaemon(folder, { binaries: options.binaries ?? usual, flags, wrapper, ownNetwork: true })
  }
  try {
    await pinNetwork(folder, usual.busybox)
    await start()
    await importBusybox(folder.endpoint, usual.busyboxTar)
  } catch (error) {
    await disposeFolder(folder)
    throw error
  }
  return {
    endpoint: folder.endpoint,
    socketPath: folder.socketPath,
    network: folder.network,
    get pid() {
      return daemonPid(folder)
    },
    kill: async () => {
      const pid = daemonPid(folder)
      if (pid !== undefined) await killAndWait(pid)
    },
    stop: () => stopDaemon(folder),
    start,
    dispose: () => disposeFolder(folder)
  }
}
