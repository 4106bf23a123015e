/** The names of this machine, which browsers on other machines use to reach it. */
import { readFileSync } from "node:fs"
import { hostname } from "node:os"

/** The names that the hosts file lists for the machine: `name`, and `name.domain`. */
export const namesInHostsFile = (name: string, hostsFile: string): ReadonlyArray<string> =>
  hostsFile
    .split("\n")
    .map((line) => line.replace(/#.*/, "").toLowerCase().trim().split(/\s+/).slice(1))
    .filter((names) => names.includes(name))
    .flatMap((names) => names.filter((each) => each.startsWith(`${name}.`)))

const readHostsFile = (): string => {
  try {
    return readFileSync("/etc/hosts", "utf8")
  } catch {
    // Windows, or a container without one.
    return ""
  }
}

/**
 * The host name and, if the hosts file lists it, the fully qualified name, in lower case. Neither comes from DNS: an answer
 * from there could be an attacker's.
 */
export const machineNames = (): ReadonlyArray<string> => {
  const name = hostname().toLowerCase()
  return name === "" ? [] : [...new Set([name, ...namesInHostsFile(name, readHostsFile())])]
}
