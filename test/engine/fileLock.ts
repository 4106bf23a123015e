import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdir } from "node:fs/promises"
import { dirname } from "node:path"

/**
 * Runs `work` while holding an exclusive lock on a file. It waits for the lock as long as it takes. The lock is the
 * kernel's (flock), held by a child whose standard input this process keeps open: it is free the moment this process
 * ends, however it ends, so there is no stale lock to heal.
 */
export const withFileLock = async <A>(path: string, work: () => Promise<A>): Promise<A> => {
  await mkdir(dirname(path), { recursive: true })
  const holder = spawn("flock", ["--exclusive", path, "sh", "-c", "echo held; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"]
  })
  const ended = once(holder, "close")
  await Promise.race([
    once(holder.stdout, "data"),
    ended.then(() => Promise.reject(new Error(`Locking ${path} failed.`)))
  ])
  try {
    return await work()
  } finally {
    holder.stdin.end()
    await ended
  }
}
