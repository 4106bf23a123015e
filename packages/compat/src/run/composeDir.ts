import { accessSync, constants } from "node:fs"
import { homedir } from "node:os"
import { dirname, join } from "node:path"

const shared = "/opt/miniman/docker-compose"

/** Whether a folder can be written, or made if it does not exist. Nothing is made. */
const isWritable = (folder: string): boolean => {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
    return true
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT"
    return isMissing && dirname(folder) !== folder && isWritable(dirname(folder))
  }
}

/** The folder of the compose files, as the environment and the machine say. */
export const findComposeDir = (environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): string => {
  const chosen = environment["DOCKER_COMPOSE_DIR"]
  if (chosen !== undefined && chosen !== "") return chosen
  return platform !== "darwin" && platform !== "win32" && isWritable(shared)
    ? shared
    : join(homedir(), ".miniman", "docker-compose")
}
