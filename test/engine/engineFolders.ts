import { createHash } from "node:crypto"
import { homedir } from "node:os"
import { join } from "node:path"

/** The harness's own folder outside the repository, shared by every clone: packages, binaries, engines. */
export const engineCache = (): string => {
  const configured = process.env["XDG_CACHE_HOME"]
  const base = configured !== undefined && configured.startsWith("/") ? configured : join(homedir(), ".cache")
  return join(base, "dockwire", "engine")
}

/**
 * Where the engines live. It is the cache folder, unless that path is so long that the sockets below an engine's folder
 * would pass the kernel's limit for a socket path (107 bytes): then a short one in /tmp stands for it.
 */
export const engineState = (): string => {
  const cache = engineCache()
  if (Buffer.byteLength(cache) <= 36) return cache
  return join("/tmp", `dockwire-${createHash("sha256").update(cache).digest("hex").slice(0, 10)}`)
}

/** The files of one private engine, all in one folder. */
export interface DaemonFolder {
  readonly root: string
  readonly data: string
  readonly exec: string
  readonly pidFile: string
  readonly socketPath: string
  readonly endpoint: string
  readonly log: string
  /** A network namespace is pinned here when the engine has one of its own. */
  readonly network: string
  /** Who made it, when it lives no longer than its maker. */
  readonly owner: string
}

/** The files of the engine whose folder is `root`. */
export const daemonFolder = (root: string): DaemonFolder => ({
  root,
  data: join(root, "data"),
  exec: join(root, "exec"),
  pidFile: join(root, "pid"),
  socketPath: join(root, "docker.sock"),
  endpoint: `unix://${join(root, "docker.sock")}`,
  log: join(root, "log"),
  network: join(root, "network"),
  owner: join(root, "owner.json")
})

/** The private engine that test runs share. */
export const privateEngineFolder = (): DaemonFolder => daemonFolder(join(engineState(), "main"))

/** The folder of the killable engines. */
export const killableEngines = (): string => join(engineState(), "killable")
