import { containerNotFound, mapEngineError, stateConflict } from "../api/errors/errorRules.js"

/** The rules for requests that need a container in a certain state. */
export const mapContainerErrors = (id: string) =>
  mapEngineError((error) => containerNotFound(id, error) ?? stateConflict(id, error))
