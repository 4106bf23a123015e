import { stateWord } from "../model/Containers.js"

/** The state of a container as a shape, which colors only help to tell apart, and as a word. */
export const StateMark = ({ health, state }: { readonly state: string; readonly health?: string | undefined }) => {
  const word = health === undefined || state !== "running" ? stateWord(state) : health
  return (
    <span class="state" data-state={health === "unhealthy" ? "unhealthy" : state}>
      <span class="dot" aria-hidden="true" />
      {word}
    </span>
  )
}
