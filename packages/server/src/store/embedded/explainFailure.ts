/** What a failure of the store means to people. */
import { dirname } from "node:path"
import type { ThreadFailure } from "../thread/messages.js"

/** Whether the file is of no use any more. */
export const isDamage = ({ code, message }: ThreadFailure): boolean =>
  /^SQLITE_(CORRUPT|NOTADB)/.test(code) || /malformed|not a database/.test(message)

/** What is wrong and what to do, as sentences. */
export const explainFailure = (file: string, { code, message }: ThreadFailure): string => {
  const what = (text: string) => `${text} Live logs go on.`
  if (/^SQLITE_(FULL|IOERR_SHMSIZE)/.test(code) || code === "ENOSPC" || code === "EDQUOT") {
    return what(`The disk of ${dirname(file)} is full, so that container logs are not kept. Free some space.`)
  }
  if (code.startsWith("SQLITE_BUSY") || message.includes("database is locked")) {
    return what(
      `${file} is in use by another server, so that container logs are not kept. Start one of them with another --data-dir.`
    )
  }
  if (code.startsWith("SQLITE_READONLY") || code === "EROFS" || code === "EACCES" || code === "EPERM") {
    return what(`${dirname(file)} is read-only, so that container logs are not kept. Let the server write to it.`)
  }
  return what(`${file} cannot be used, so that container logs are not kept (${message}).`)
}
