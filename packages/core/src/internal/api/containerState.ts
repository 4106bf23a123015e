import * as Schema from "effect/Schema"

/**
 * The state of a container.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ContainerState = Schema.Literal("created", "running", "paused", "restarting", "removing", "exited", "dead")

/**
 * @since 0.1.0
 * @category models
 */
export type ContainerState = typeof ContainerState.Type

/** Every state name that an engine sends: Docker's, and those that only Podman uses. */
export const EngineStateName = Schema.Literal(
  ...ContainerState.literals,
  "configured",
  "initialized",
  "stopping",
  "stopped"
)

/** Maps Podman's state names to Docker's. */
export const normalizeState = (name: typeof EngineStateName.Type): ContainerState => {
  switch (name) {
    case "configured":
    case "initialized":
      return "created"
    case "stopping":
      return "running"
    case "stopped":
      return "exited"
    default:
      return name
  }
}

/** Decodes any engine's state name to Docker's. */
export const EngineContainerState = Schema.transform(EngineStateName, ContainerState, {
  strict: true,
  decode: normalizeState,
  encode: (state) => state
})
