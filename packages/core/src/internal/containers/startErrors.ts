import { type ContainerNotFound, ContainerStateConflict, type EngineError, PortAllocated } from "../../DockerError.js"
import { containerNotFound, stateConflict } from "../api/errors/errorRules.js"
import { blamedSetting } from "./spec/blamedField.js"

const portAllocated = (id: string, error: EngineError): PortAllocated | undefined => {
  if (!/port is already allocated|address already in use|ports are not available/.test(error.detail)) return undefined
  const address = /(?:Bind for|listen \w+|bind host port(?: for)?) (\S+:\d+)/.exec(error.detail)
  return new PortAllocated({ containerId: id, address: address?.[1], detail: error.detail })
}

const misconfigured = (id: string, error: EngineError): ContainerStateConflict | undefined => {
  const missing = /(?:^|: )No such container: (.*)$/i.exec(error.detail)?.[1]
  // A different missing container is the one whose network this container was to join.
  const setting =
    missing !== undefined && missing !== id
      ? "network"
      : missing === undefined
        ? blamedSetting(error.detail)
        : undefined
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
