import { createHash } from "node:crypto"
import { readFileSync, readlinkSync } from "node:fs"

/** A process that cannot be mistaken for a later one with the same pid. */
export interface ProcessIdentity {
  readonly pid: number
  readonly startTime: string
}

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return undefined
  }
}

/** The identity of a live process, `undefined` when there is none. A zombie counts as dead. */
export const identityOf = (pid: number): ProcessIdentity | undefined => {
  if (process.platform === "linux") {
    const stat = read(`/proc/${pid}/stat`)
    if (stat === undefined) return undefined
    // The command name stands in brackets and may hold spaces: the fields are counted from behind it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    const startTime = fields[19]
    return fields[0] === "Z" || fields[0] === "X" || startTime === undefined ? undefined : { pid, startTime }
  }
  try {
    process.kill(pid, 0)
    return { pid, startTime: "0" }
  } catch {
    return undefined
  }
}

/** Whether that very process still lives. */
export const isAlive = (identity: ProcessIdentity): boolean =>
  identityOf(identity.pid)?.startTime === identity.startTime

/** This process. */
export const ownIdentity = (): ProcessIdentity => identityOf(process.pid) ?? { pid: process.pid, startTime: "0" }

/** Where pids mean the same: this boot of this machine, and this pid namespace of it. Six hex digits. */
export const pidSpace = (): string => {
  const boot = read("/proc/sys/kernel/random/boot_id") ?? process.env["HOSTNAME"] ?? process.platform
  let namespace = ""
  try {
    namespace = readlinkSync("/proc/self/ns/pid")
  } catch {
    // no pid namespaces on this system
  }
  return createHash("sha256").update(`${boot}${namespace}`).digest("hex").slice(0, 6)
}
