import * as Schema from "effect/Schema"

/** What a container is doing. */
export const ContainerState = Schema.Literal("created", "running", "paused", "restarting", "removing", "exited", "dead")

/** What a container is doing. */
export type ContainerState = typeof ContainerState.Type

/** What a container is doing, by any engine's word: Podman has its own for what comes before and behind a run. */
export const ContainerStateWord = Schema.Literal(
  ...ContainerState.literals,
  "configured",
  "initialized",
  "stopping",
  "stopped"
)

/** What a container is doing, by Docker's word. */
export const containerState = (word: typeof ContainerStateWord.Type): ContainerState => {
  switch (word) {
    case "configured":
    case "initialized":
      return "created"
    case "stopping":
      return "running"
    case "stopped":
      return "exited"
    default:
      return word
  }
}

/** Any engine's word, as Docker's. */
export const EngineContainerState = Schema.transform(ContainerStateWord, ContainerState, {
  strict: true,
  decode: containerState,
  encode: (state) => state
})
