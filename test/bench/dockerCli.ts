import { execFileSync } from "node:child_process"
import { unpackedBinaries } from "../engine/engineBinaries.js"

/** The `docker` command of this machine, or the one unpacked for the tests. `undefined` if there is neither. */
export const dockerCli = (): string | undefined => {
  try {
    execFileSync("docker", ["--version"], { stdio: "ignore" })
    return "docker"
  } catch {
    return unpackedBinaries()?.docker
  }
}
