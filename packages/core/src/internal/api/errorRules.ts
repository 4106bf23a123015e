import * as Effect from "effect/Effect"
import { ContainerNotFound, ContainerStateConflict, EngineError } from "../../DockerError.js"

/**
 * Whether these words mean the container, and not the route. Podman has no words for it where it would give figures, and
 * where it looks for changes it knows only of layers.
 */
const isContainerMissing = ({ detail, status }: EngineError): boolean =>
  status === 404
    ? detail === "" || /no such container|no container with/i.test(detail)
    : status === 500 && /layer not known$|does not exist in database/.test(detail)

/** The rule that every method on one container shares. */
export const containerNotFound = (id: string, error: EngineError): ContainerNotFound | undefined =>
  isContainerMissing(error)
    ? new ContainerNotFound({ containerId: id, detail: error.detail === "" ? "nothing but a 404" : error.detail })
    : undefined

/** Turns the engine's refusals into the method's own errors; what no rule knows stays an `EngineError`. */
export const refine =
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

const conflictState = (detail: string): ContainerStateConflict["state"] => {
  if (/is not paused/.test(detail)) return "unpaused"
  // Podman names the state by its own word for it.
  const named = /(?:in state|as it is) (\w+)|^"(\w+)" is not running/.exec(detail)
  const state = podmanStates[named?.[1] ?? named?.[2] ?? ""]
  if (state !== undefined) return state
  if (/is not running/.test(detail)) return "stopped"
  if (/paused/.test(detail)) return "paused"
  if (/is running|stop the container before/i.test(detail)) return "running"
  return /removal of container|marked for removal/.test(detail) ? "removing" : "unknown"
}

/** The rule of the verbs: the container is in a state in which this can't be done. */
export const stateConflict = (id: string, error: EngineError): ContainerStateConflict | undefined =>
  error.status === 409 || (error.status === 500 && /is not paused|container state improper/.test(error.detail))
    ? new ContainerStateConflict({ containerId: id, state: conflictState(error.detail), detail: error.detail })
    : undefined
