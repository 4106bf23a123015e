import { spawnSync } from "node:child_process"
import { unpackedBinaries } from "./engineBinaries.js"

/** The `docker` command of this machine, or the one unpacked for the tests. `undefined` if there is neither. */
export const dockerCli = (): string | undefined =>
  spawnSync("docker", ["--version"]).status === 0 ? "docker" : unpackedBinaries()?.docker
