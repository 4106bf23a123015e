import { lookUp } from "../state/fileTree.js"
import type { MemoryContainer } from "../state/memoryContainer.js"

/** Entrypoint and command of a container's process. */
export const commandLine = ({ settings }: MemoryContainer): ReadonlyArray<string> => [
  ...(settings.entrypoint ?? []),
  ...(settings.command ?? [])
]

/** The host name inside a container. */
export const hostname = ({ id, settings }: MemoryContainer): string =>
  settings.hostname === "" ? id.slice(0, 12) : settings.hostname

/** Converts `NAME=value` entries to a record. */
export const parseEnvironment = (entries: ReadonlyArray<string>): Record<string, string> => {
  const environment: Record<string, string> = {}
  for (const entry of entries) {
    const at = entry.indexOf("=")
    environment[at < 0 ? entry : entry.slice(0, at)] = at < 0 ? "" : entry.slice(at + 1)
  }
  return environment
}

/** The environment of a container's processes. */
export const processEnvironment = (container: MemoryContainer): Record<string, string> => ({
  PATH: "/bin",
  HOSTNAME: hostname(container),
  ...parseEnvironment(container.settings.env),
  HOME: "/root"
})

/** Reads the container's files for its programs. */
export const fileReader =
  ({ files }: MemoryContainer) =>
  (path: string): Uint8Array | undefined => {
    const found = lookUp(files, path, true)
    return typeof found !== "string" && found.node.kind === "file" ? found.node.content : undefined
  }

/** Whether a path of the container leads to a file or directory. */
export const isFile = ({ files }: MemoryContainer, path: string): boolean =>
  path.includes("/") && typeof lookUp(files, path, true) !== "string"

/** The names in a file such as `/etc/passwd`. The user and group `root` exist even without it. */
const accountNames = (container: MemoryContainer, path: string): ReadonlyArray<string> => [
  "root",
  ...new TextDecoder()
    .decode(fileReader(container)(path))
    .split("\n")
    .map((line) => line.split(":")[0] ?? "")
]

/** The engine's error for a user or group that the container does not have. Any number is a valid id. */
export const missingUser = (container: MemoryContainer, user: string): string | undefined => {
  const [name = "", group = ""] = user.split(":")
  const isMissing = (account: string, path: string) =>
    account !== "" && !/^\d+$/.test(account) && !accountNames(container, path).includes(account)
  return isMissing(name, "/etc/passwd")
    ? `unable to find user ${name}: no matching entries in passwd file`
    : isMissing(group, "/etc/group")
      ? `unable to find group ${group}: no matching entries in group file`
      : undefined
}

/** The engine's error for a working directory that a command cannot be started in. */
export const invalidDirectory = ({ files }: MemoryContainer, path: string): string | undefined => {
  if (path === "") return undefined
  const failed = "OCI runtime exec failed: exec failed: "
  if (!path.startsWith("/")) return `${failed}Cwd must be an absolute path: unknown`
  const found = lookUp(files, path, true)
  const reason =
    typeof found === "string"
      ? "no such file or directory"
      : found.node.kind === "directory"
        ? undefined
        : "not a directory"
  return reason === undefined
    ? undefined
    : `${failed}unable to start container process: chdir to cwd ("${path}") set in config.json failed: ${reason}: unknown`
}
