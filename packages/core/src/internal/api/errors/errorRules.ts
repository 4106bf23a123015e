import * as Effect from "effect/Effect"
import { ContainerNotFound, ContainerStateConflict, EngineError, InvalidRequest } from "../../../DockerError.js"

/**
 * Whether the error is about the container and not about the route. Podman sends no message with the 404 of its stats
 * endpoint, and its changes endpoint reports a missing layer.
 */
const isContainerMissing = ({ detail, status }: EngineError): boolean =>
  status === 404
    ? detail === "" || /no such container|no container with/i.test(detail)
    : status === 500 && /layer not known$|does not exist in database/.test(detail)

/** Rule for every method that operates on one container. */
export const containerNotFound = (id: string, error: EngineError): ContainerNotFound | undefined =>
  isContainerMissing(error)
    ? new ContainerNotFound({
        containerId: id,
        detail: error.detail === "" ? "404 Not Found without a message" : error.detail
      })
    : undefined

/** Replaces an `EngineError` with the error that `rule` derives from it, if any. */
export const mapEngineError =
  <E>(rule: (error: EngineError) => E | undefined) =>
  <A, E2, R>(
    effect: Effect.Effect<A, E2 | EngineError, R>
  ): Effect.Effect<A, Exclude<E2, EngineError> | E | EngineError, R> =>
    Effect.catchIf(
      effect,
      (error): error is EngineError & (E2 | EngineError) => error instanceof EngineError,
      (error) => Effect.fail(rule(error) ?? error)
    )

const podmanStates: Readonly<Record<string, ContainerStateConflict["state"]>> = {
  configured: "stopped",
  created: "stopped",
  exited: "stopped",
  initialized: "stopped",
  paused: "paused",
  removing: "removing",
  running: "running",
  stopped: "stopped"
}

/** The state that a message of the engine names as the conflict; `undefined` if the message is not about a state. */
const conflictState = (detail: string): ContainerStateConflict["state"] | undefined => {
  if (/is not paused/.test(detail)) return "unpaused"
  // Podman puts its own name of the state in the message.
  const named = /(?:in state|as it is) (\w+)|^"(\w+)" is not running/.exec(detail)
  const state = podmanStates[named?.[1] ?? named?.[2] ?? ""]
  if (state !== undefined) return state
  if (/is not running|non running container/.test(detail)) return "stopped"
  if (/is restarting/.test(detail)) return "restarting"
  if (/paused/.test(detail)) return "paused"
  if (/is running|stop the container before/i.test(detail)) return "running"
  if (/removal of container|marked for removal/.test(detail)) return "removing"
  return /container state improper|can only \w+ /.test(detail) ? "unknown" : undefined
}

/**
 * Rule for methods that the container's state can rule out. The engine also answers 409 to requests that conflict with
 * something else, such as a limit with another one, so the message has to be about a state.
 */
export const stateConflict = (id: string, { detail, status }: EngineError): ContainerStateConflict | undefined => {
  const isConflict = status === 409 || (status === 500 && /is not paused|container state improper/.test(detail))
  const state = isConflict ? conflictState(detail) : undefined
  return state === undefined ? undefined : new ContainerStateConflict({ containerId: id, state, detail })
}

/** Whether another container has the requested name. */
export const isNameTaken = ({ detail }: EngineError): boolean => /\bname\b.* (is )?already in use/.test(detail)

/** Rule for methods whose other arguments can be invalid: the id is a prefix of several ids. */
export const ambiguousId = (id: string, { detail }: EngineError): InvalidRequest | undefined =>
  /multiple IDs found with provided prefix|more than one result for/i.test(detail)
    ? new InvalidRequest({ field: "id", value: id, detail })
    : undefined
