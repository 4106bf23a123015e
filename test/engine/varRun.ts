import { execFileSync } from "node:child_process"
import { realpathSync } from "node:fs"

/** Root needs no namespace of users to have one of mounts; everybody else does. */
const apart = ["unshare", "--mount", ...(process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"])]

/** Takes from root what lets it open every file. */
const powerless = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]

/**
 * What runs a command for which this folder is `/var/run`, and which may open only what its owner may. The command takes the
 * place of this process.
 */
export const withVarRun = (folder: string): ReadonlyArray<string> => {
  const script = `mount --bind "$1" "$2" && shift 2 && exec ${powerless.join(" ")} "$@"`
  return [...apart, "sh", "-c", script, "sh", folder, realpathSync("/var/run")]
}

/** Why a process can't be given a `/var/run` of its own here; `undefined` where it can. */
export const varRunUnavailable = (): string | undefined => {
  const [command = "", ...args]: ReadonlyArray<string> = [...withVarRun("/var/run"), "true"]
  try {
    execFileSync(command, args, { stdio: "pipe" })
    return undefined
  } catch (error) {
    return `no mounts of one's own: ${error instanceof Error ? error.message.trim().split("\n").at(-1) : String(error)}`
  }
}
