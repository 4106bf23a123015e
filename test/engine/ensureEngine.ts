import { pullBusybox, hasBusybox, importBusybox } from "./busyboxImage.js"
import { findCompose } from "./composeCommand.js"
import { packagesUnavailable } from "./debianPackages.js"
import { obtainBinaries, unpackedBinaries } from "./engineBinaries.js"
import { otherDaemonPid } from "./dockerDaemon.js"
import { privateEngineFolder } from "./engineFolders.js"
import { connectionOf, engineCall, jsonAt } from "./engineRequest.js"
import { ensurePrivateEngine } from "./privateEngine.js"
import { reachableEndpoint } from "./reachableEndpoint.js"

/** An engine that answers and has `busybox:latest`. */
export interface AvailableEngine {
  readonly available: true
  /** As `DOCKER_HOST` takes it. */
  readonly endpoint: string
  /** The socket, where the endpoint is one. */
  readonly socketPath?: string
  readonly version: string
  readonly apiVersion: string
  /** The words before compose's own arguments; missing where there is no compose. */
  readonly composeCommand?: ReadonlyArray<string>
  readonly composeVersion?: string
  /** Whether it is the harness's own engine. */
  readonly private: boolean
  /** Whether this call started it. */
  readonly startedHere: boolean
}

/** No engine can be had here. */
export interface UnavailableEngine {
  readonly available: false
  readonly reason: string
}

const describe = async (endpoint: string, startedHere: boolean): Promise<AvailableEngine> => {
  const { json } = await engineCall(endpoint, "GET", "/version")
  const compose = await findCompose()
  const connection = connectionOf(endpoint)
  return {
    available: true,
    endpoint,
    ...("socketPath" in connection ? { socketPath: connection.socketPath } : {}),
    version: String(jsonAt(json, "Version")),
    apiVersion: String(jsonAt(json, "ApiVersion")),
    ...(compose === undefined ? {} : { composeCommand: compose.command, composeVersion: compose.version }),
    private: endpoint === privateEngineFolder().endpoint,
    startedHere
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Gives a found engine the image: imported where the binaries are at hand, else pulled, else imported after a fetch. */
const giveBusybox = async (endpoint: string, canFetch: boolean, progress: (line: string) => void): Promise<void> => {
  if (await hasBusybox(endpoint)) return
  const ready = unpackedBinaries()
  if (ready !== undefined) return importBusybox(endpoint, ready.busyboxTar)
  try {
    await pullBusybox(endpoint)
  } catch (error) {
    if (!canFetch) throw error
    await importBusybox(endpoint, (await obtainBinaries(progress)).busyboxTar)
  }
}

/**
 * The engine for tests. One that answers (see `reachableEndpoint`) is used as it is; only where none does
 * is a private one taken: the one that an earlier run left running, else a new one from Debian's packages (root on
 * Debian). It has `busybox:latest` and, wherever one can be had, compose. It never rejects: where no engine can be had
 * it says why in one sentence. The private engine outlives this process; `npm run engine -- stop` ends it.
 * `progress` hears a line when there is something to wait for.
 */
export const ensureEngine = async (
  progress: (line: string) => void = () => {}
): Promise<AvailableEngine | UnavailableEngine> => {
  try {
    const noPackages = await packagesUnavailable()
    const { endpoint: found, tried } = await reachableEndpoint()
    if (found !== undefined) {
      await giveBusybox(found, noPackages === undefined, progress)
      const engine = await describe(found, false)
      if (engine.composeCommand !== undefined || noPackages !== undefined) return engine
      // An engine without compose: the packages have one.
      await obtainBinaries(progress)
      return await describe(found, false)
    }
    if (noPackages !== undefined) return { available: false, reason: `No engine answers at ${tried}; ${noPackages}.` }
    const other = otherDaemonPid(privateEngineFolder())
    if (other !== undefined) {
      const reason = `No engine answers at ${tried}, but a dockerd is running (pid ${other}). Set DOCKER_HOST to its socket.`
      return { available: false, reason }
    }
    const { startedHere } = await ensurePrivateEngine(progress)
    return await describe(privateEngineFolder().endpoint, startedHere)
  } catch (error) {
    return { available: false, reason: `Preparing a test engine failed: ${messageOf(error)}` }
  }
}

/** One line that says which engine this is. */
export const engineLine = (engine: AvailableEngine): string => {
  const compose = engine.composeVersion === undefined ? "no compose" : `compose ${engine.composeVersion}`
  const kind = engine.private ? "the tests' own" : "found"
  return `Engine ${engine.endpoint} (${kind}): Docker ${engine.version}, API ${engine.apiVersion}, ${compose}`
}
