import { execFileSync } from "node:child_process"
import { unpackedBinaries } from "../engine/engineBinaries.js"

/** The `docker` command: that of the machine, else the one that was unpacked for the tests; `undefined` where there is none. */
export const dockerCli = (): string | undefined => {
  try {
    execFileSync("docker", ["--version"], { stdio: "ignore" })
    return "docker"
  } catch {
    return unpackedBinaries()?.docker
  }
}
