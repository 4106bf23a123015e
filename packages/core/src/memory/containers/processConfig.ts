import { lookUp } from "../state/fileTree.js"
import type { MemoryContainer } from "../state/memoryContainer.js"

/** Entrypoint and command of a container's process. */
export const commandLine = ({ image, settings }: MemoryContainer): ReadonlyArray<string> => [
  ...(settings.entrypoint ?? []),
  ...(settings.command ?? (settings.entrypoint === undefined ? image.command : []))
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
