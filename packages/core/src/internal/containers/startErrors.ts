import {
  type ContainerNotFound,
  type ContainerSetting,
  ContainerStateConflict,
  type EngineError,
  PortAllocated
} from "../../DockerError.js"
import { containerNotFound, stateConflict } from "../api/errorRules.js"

const portAllocated = (id: string, error: EngineError): PortAllocated | undefined => {
  if (!/port is already allocated|bind: address already in use|ports are not available/.test(error.detail))
    return undefined
  const address = /Bind for (\S+:\d+) failed|listen \w+ (\S+:\d+): bind/.exec(error.detail)
  return new PortAllocated({ containerId: id, address: address?.[1] ?? address?.[2], detail: error.detail })
}

/**
 * Messages of the engine and its runtimes that blame a setting of the container. Messages about a program missing on
 * the engine's host, or about a mount that every container has, do not match: the container is not at fault.
 */
const settingPatterns: ReadonlyArray<readonly [ContainerSetting, RegExp]> = [
  [
    "command",
    /container process(?: caused)?:? "?(?:error during container init: )?exec: |executable file `|open executable/
  ],
  ["network", /(?:^|: )network .+ not found|cannot join network of a/i],
  ["workingDirectory", /chdir to cwd/],
  ["user", /no matching entries in (passwd|group)/],
  ["devices", /gathering device information/],
  [
    "mounts",
    /\bmounting \\*"(?:\/|tmpfs\\*" to rootfs at \\*"(?!\/dev\\*"))|error while mounting volume|bind source path does not exist|invalid mount/
  ]
]

const misconfigured = (id: string, error: EngineError): ContainerStateConflict | undefined => {
  const missing = /(?:^|: )No such container: (.*)$/i.exec(error.detail)?.[1]
  // A different missing container is the one whose network this container was to join.
  const setting =
    missing !== undefined && missing !== id
      ? "network"
      : settingPatterns.find(([, pattern]) => missing === undefined && pattern.test(error.detail))?.[0]
  return setting === undefined
    ? undefined
    : new ContainerStateConflict({ containerId: id, state: "misconfigured", setting, detail: error.detail })
}

/** Rule for starts and restarts. */
export const startError = (
  id: string,
  error: EngineError
): ContainerNotFound | ContainerStateConflict | PortAllocated | undefined =>
  misconfigured(id, error) ?? containerNotFound(id, error) ?? stateConflict(id, error) ?? portAllocated(id, error)
