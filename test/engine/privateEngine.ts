import { rm } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { hasBusybox, importBusybox } from "./busyboxImage.js"
import { obtainBinaries } from "./engineBinaries.js"
import { clearLeftovers, daemonPid, killAndWait, startDaemon, stopDaemon } from "./dockerDaemon.js"
import { engineState, privateEngineFolder } from "./engineFolders.js"
import { answersPing } from "./engineRequest.js"
import { withFileLock } from "./fileLock.js"

const lockFile = (): string => join(engineState(), "main.lock")

/** Waits for the daemon of the folder to answer, when one is there: it may be starting. */
const answersSoon = async (): Promise<boolean> => {
  const folder = privateEngineFolder()
  for (const end = Date.now() + 20_000; daemonPid(folder) !== undefined && Date.now() < end; await sleep(100)) {
    if (await answersPing(folder.endpoint, 2_000)) return true
  }
  return answersPing(folder.endpoint, 2_000)
}

/**
 * Makes the private engine answer: takes the one that runs, else starts it (fetching its binaries on first use). Safe
 * to call from several processes at once. What a crash left is cleared first; a data root with which it cannot start
 * is thrown away, as it holds nothing but what tests made. Says whether this very call started it.
 */
export const ensurePrivateEngine = async (progress: (line: string) => void): Promise<{ startedHere: boolean }> => {
  const folder = privateEngineFolder()
  const binaries = await obtainBinaries(progress)
  return withFileLock(lockFile(), async () => {
    const startedHere = !(await answersSoon())
    if (startedHere) {
      const hung = daemonPid(folder)
      if (hung !== undefined) await killAndWait(hung)
      await clearLeftovers(folder)
      try {
        await startDaemon(folder, { binaries })
      } catch {
        await clearLeftovers(folder)
        await rm(folder.data, { recursive: true, force: true })
        await startDaemon(folder, { binaries })
      }
    }
    if (!(await hasBusybox(folder.endpoint))) await importBusybox(folder.endpoint, binaries.busyboxTar)
    return { startedHere }
  })
}

/** Stops the private engine; says whether there was one. */
export const stopPrivateEngine = (): Promise<boolean> =>
  withFileLock(lockFile(), async () => {
    const folder = privateEngineFolder()
    const ran = daemonPid(folder) !== undefined
    await stopDaemon(folder)
    await clearLeftovers(folder)
    return ran
  })
